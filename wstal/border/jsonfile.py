"""JSON -> plain objects or typed records; a key may stand once in an object, as the value of one of two would be lost."""

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from wstal.base.errors import UserError
from wstal.border import content

T = TypeVar("T")
DAMAGE = (msgspec.MsgspecError, ValueError, RecursionError)  # what decoders raise; text that is no Unicode is a ValueError
PIECE, AT_ONCE, PIECED = 2**14, 64, 4  # bytes of a piece that is decoded whole, pieces at once, levels that are taken to pieces
AGAIN = "write or copy the file again, or make it again (`dvc repro` makes those under runs/)"


@contextmanager
def uncollected() -> Iterator[None]:
    """Make many objects without the collector of circles, of which JSON has none: it takes most of the time otherwise."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def read(path: Path, kind: type[T], fault: str, cure: str, *, strict: bool = True) -> T:
    """The file as a record of `kind`; without `strict`, numbers may be strings. `fault` and `cure` make the sentence.

    Raises:
        UserError: the file is missing, cannot be read, or does not fit.
    """
    return parse(content.read_bytes(path, cure=cure), kind, str(path), fault, cure, strict=strict)


def parse(data: bytes, kind: type[T], where: str, fault: str, cure: str, *, strict: bool = True) -> T:
    """JSON as a record of `kind`, as `read`; `where` names the file.

    Raises:
        UserError: it does not fit, or holds a key twice.
    """
    value = convert(data, kind, where, fault, cure, strict=strict)
    once(data, where, value)
    return value


def record(value: Any, kind: type[T], where: str, fault: str, cure: str) -> T:
    """A part of decoded JSON as a record of `kind`; numbers may be strings. `where` names the file and the place.

    Raises:
        UserError: it does not fit.
    """
    try:
        return msgspec.convert(value, kind, strict=False)
    except DAMAGE as error:
        raise UserError(f"{where} {fault} ({error}); {cure}.") from None


def convert(data: bytes, kind: type[T], where: str, fault: str, cure: str, *, strict: bool = True) -> T:
    """As `parse`, where the caller sees to it that no key stands twice.

    Raises:
        UserError: it does not fit.
    """
    try:
        with uncollected():
            return msgspec.json.decode(data, type=kind, strict=strict)
    except DAMAGE as error:
        raise UserError(f"{where} {fault} ({_reason(error, data)}); {cure}.") from None


def decode(data: bytes, path: Path) -> Any:
    """JSON as plain Python objects. NaN and Infinity, which are not JSON but which Python writes, come out as floats.

    `path` names the file in a sentence.

    Raises:
        UserError: `data` is no JSON, or holds a key twice.
    """
    try:
        with uncollected():
            value = msgspec.json.decode(data)
    except DAMAGE:
        try:
            value = json.loads(data.decode("utf-8"))
            msgspec.json.encode(value)  # or it holds text that cannot be written again
        except (*DAMAGE, TypeError) as error:
            raise UserError(f"{path} is not JSON or was cut short ({_reason(error, data)}); {AGAIN}.") from None
    once(data, str(path), value)
    return value


def _reason(error: Exception, data: bytes) -> str:
    """What is wrong with the text, for people who know no decoder."""
    if not data.strip():
        return "it is empty"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4]:
        return "it is in UTF-16 or UTF-32, or no text; save it as UTF-8"
    if isinstance(error, RecursionError):
        return "it nests deeper than data does"
    return str(error).partition("; use sys.")[0]


def once(data: bytes, where: str, value: Any = None) -> None:
    """Refuse JSON in which a key stands twice in one object.

    Written again, what was decoded has as many colons as the text, unless the value of a key was lost: so it is seen at next
    to no cost. `value` is what `data` was decoded to, where nothing of it was passed over.

    Raises:
        UserError: a key stands twice; the sentence names it, and `where` it is.
    """
    if _whole(value, data) or _whole_by_pieces(data):
        return
    try:
        json.loads(data, object_pairs_hook=lambda pairs: _single(pairs, data, where))
    except (ValueError, RecursionError):
        pass  # what is no JSON is said by whoever decodes it


def _whole(value: Any, data: bytes) -> bool:
    """Whether no colon of the text is lost in `value`; escaped ones are not counted on."""
    return value is not None and b"\\u003" not in data and msgspec.json.encode(value).count(b":") == data.count(b":")


def _whole_by_pieces(data: bytes) -> bool:
    """As `_whole`, of what is decoded piece by piece and let go, in little memory."""
    try:
        with uncollected():
            return b"\\u003" not in data and _left(data, PIECED) == data.count(b":")
    except DAMAGE:
        return False


def _left(data: bytes, levels: int) -> int:
    """Colons that are left of JSON text which is decoded and written again; `levels` of it may be taken to pieces."""
    if len(data) <= PIECE or not levels or data.lstrip()[:1] not in (b"{", b"["):
        return msgspec.json.encode(msgspec.json.decode(data)).count(b":")
    whole = msgspec.json.decode(data, type=dict[str, msgspec.Raw] | list[msgspec.Raw])
    keys, values = (whole, whole.values()) if isinstance(whole, dict) else ((), whole)
    pieces = list(map(bytes, values))
    small = [piece for piece in pieces if len(piece) <= PIECE]
    joined = (b"[%b]" % b",".join(small[first : first + AT_ONCE]) for first in range(0, len(small), AT_ONCE))
    counts = [msgspec.json.encode(msgspec.json.decode(text)).count(b":") for text in joined]
    return len(keys) + "".join(keys).count(":") + sum(counts) + sum(_left(x, levels - 1) for x in pieces if len(x) > PIECE)


def _single(pairs: list[tuple[str, Any]], data: bytes, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UserError(
                f"{where}: the key {name!r} stands twice{_lines(name, data)} in one object, where the value of one would be "
                "lost; keep one of them."
            )
        found[name] = value
    return found


def _lines(name: str, data: bytes) -> str:
    """Where the key stands, if it is in two lines of the file and in no others."""
    places = [match.start() for match in islice(re.finditer(re.escape(json.dumps(name)).encode() + rb"\s*:", data), 3)]
    lines = [data.count(b"\n", 0, place) + 1 for place in places]
    return f", in lines {lines[0]} and {lines[1]}," if len(lines) == 2 and lines[0] != lines[1] else ""
