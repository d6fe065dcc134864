"""Ids of videos and names of classes -> names of files: the one place where they become part of a path.

Names that are made keep ids apart on every file system, those that fold case (macOS, Windows) or spell letters with accents
their own way (macOS) as well, whatever their letters and their length. Names that others have given to files are used as they
are, and checked.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from wstal.base.errors import UserError

LONGEST = 120  # bytes of a name that is made, without ending; file systems allow 255, eCryptfs 143
SHOWN = 60  # characters that a name with a digest keeps of its id
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.IGNORECASE)  # which Windows opens
UNSAFE = re.compile(r'[\\/:*?"<>|~%\x00-\x1f\x7f]|[^\w.+\-,=@()\[\] !#$&\';^`{}]')


def file_name(name: str) -> str:
    """A name of at most LONGEST bytes that no other id gets: the id itself where it is plain, else as much of it and a digest.

    Plain is what no file system changes: no capital letter, no sign with a meaning in paths, spelled in NFC.
    """
    if _is_plain(name) and name == fold(name):
        return name
    kept = UNSAFE.sub("_", unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8")))[:SHOWN]
    while len(kept.encode("utf-8")) > LONGEST - 17:
        kept = kept[:-1]
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    kept = kept.strip(" .-") or "_"
    return f"{'_' if DEVICES.fullmatch(kept) else ''}{kept}~{digest}"


def file_names(names: Iterable[str]) -> dict[str, str]:
    """{id: a name of its own among these}: the id itself where it is plain but for capital letters that tell no two apart."""
    names = list(dict.fromkeys(names))
    folded = Counter(map(fold, names))
    return {name: name if _is_plain(name) and folded[fold(name)] == 1 else file_name(name) for name in names}


def is_made(name: str) -> bool:
    """Whether a name ends in a digest, so that it does not tell the id that it was made of."""
    return re.search(r"~[0-9a-f]{16}$", name) is not None


def part(name: str, where: str) -> str:
    """An id that stands for a file which somebody else has named, to be put into a path; `where` names who says so.

    Raises:
        UserError: it would lead out of its folder, or is no name of a file.
    """
    if name in ("", ".", "..") or re.search(r"[/\\\0]", name) or not is_text(name):
        raise UserError(f"{where}: video id {name!r} cannot name a file; use an id without slashes.")
    return name


def check_path(path: Path) -> None:
    """Refuse a file whose name is no text in UTF-8, before any work: it could not be written into any result.

    Raises:
        UserError: it is none.
    """
    if not is_text(path.name):
        raise UserError(f"{path} has a name that is not in UTF-8; rename the file.")


def is_text(name: str) -> bool:
    """Whether the name can be written in UTF-8."""
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def fold(name: str) -> str:
    """What all names have in common that some file system takes for one."""
    whole = unicodedata.normalize("NFKC", name)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", whole.upper()).casefold())


def _is_plain(name: str) -> bool:
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= LONGEST
        and not UNSAFE.search(name)
        and not name.startswith((".", " ", "-"))
        and not name.endswith((".", " "))
        and not DEVICES.fullmatch(name)
        and name == unicodedata.normalize("NFC", name)
        and name.isprintable()  # which text that is no Unicode is not
    )
