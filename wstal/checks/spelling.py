"""Names that mean the same to people: labels tidied, look-alikes found."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))  # marks of no width that spreadsheets and editors leave
TWINS = str.maketrans("авекмнорстухіјѕοαερτυχικνβ", "abekmhopctyxijsoaeptyxikvb")  # Cyrillic and Greek that look Latin
TYPO_LENGTH = 5  # letters from which two names that differ by one may be a slip
RARE = 2  # videos that the misspelt name of two has at most


def tidy(name: str) -> str:
    """The name in Unicode's composed form (NFC), without blanks at its ends."""
    return unicodedata.normalize("NFC", name).translate(INVISIBLE).strip()


def key(name: str) -> str:
    """What is left of a name when case, width, alphabet, blanks, signs and the plural's s do not count."""
    plain = unicodedata.normalize("NFKC", name).casefold().translate(TWINS)
    letters = "".join(sign for sign in plain if sign.isalnum() or unicodedata.combining(sign))
    return letters[:-1] if len(letters) > 4 and letters.endswith("s") and not letters.endswith("ss") else letters


def alike(names: Iterable[str]) -> Iterator[list[str]]:
    """Groups of different names with one `key`."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(key(name) or name, []).append(name)
    return (group for group in groups.values() if len(group) > 1)


def nearest(name: str, names: Sequence[str]) -> str | None:
    """The one of `names` that `name` may stand for; None if none is near."""
    same = [other for other in names if key(other) == key(name)]
    near = same or difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    return near[0] if near else None


def typos(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """(name, the one that it may be a slip of): one letter apart, the first with at most RARE and not more than the other."""
    found = set()
    for group in _candidates(counts):
        for pair in combinations(group, 2):
            rare, common = sorted(pair, key=lambda name: (counts[name], pair.index(name)))
            if counts[rare] <= RARE and key(rare) != key(common) and _one_letter_apart(rare.casefold(), common.casefold()):
                found.add((rare, common))
    return iter(sorted(found))


def joined(name: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that stand together in `name` with a comma or the like between them: "Red,Blue"."""
    parts = {key(part) for part in re.split(r"[,;|/+&]", name) if part.strip()}
    return [other for other in names if other != name and key(other) in parts] if len(parts) > 1 else []


def _candidates(names: Iterable[str]) -> Iterator[list[str]]:
    """Groups of names that are equal once at most one letter is left out of each."""
    groups: dict[str, list[str]] = {}
    for name in names:
        folded = name.casefold()
        if len(folded) >= TYPO_LENGTH:
            for variant in {folded, *(folded[:i] + folded[i + 1 :] for i in range(len(folded)))}:
                groups.setdefault(variant, []).append(name)
    return (group for group in groups.values() if len(group) > 1)


def _one_letter_apart(one: str, other: str) -> bool:
    """A letter changed, left out, put in, or two neighbours swapped; digits make names of their own (Class1, Class2)."""
    short, long = sorted((one, other), key=len)
    differ = [i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b]
    first = differ[0] if differ else len(short)
    if len(short) == len(long):
        swapped = (
            len(differ) == 2 and differ[1] == first + 1 and short[first] + short[first + 1] == long[first + 1] + long[first]
        )
        return (len(differ) == 1 or swapped) and not any(c[i].isdigit() for c in (short, long) for i in differ)
    return short[first:] == long[first + 1 :] and len(long) == len(short) + 1 and not long[first].isdigit()
