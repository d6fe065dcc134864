"""Files of tools as values: text, JSON, XML. Nothing else in this room opens what others wrote."""

from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit
from xml.etree.ElementTree import Element

from wstal.base.errors import UserError
from wstal.border import content, jsonfile, xmlfile
from wstal.border.limits import LIMITS

T = TypeVar("T")
MISSING = "name a corrected file of an annotation tool"
AGAIN = "save it again in the tool that wrote it"


def text(path: Path) -> str:
    """The content of a file in UTF-8, without a byte order mark, its lines ended by line feeds.

    Raises:
        UserError: the file is missing, or no text in UTF-8.
    """
    content.require([path], MISSING)
    found = content.read_text(path, LIMITS.text_bytes, "save it as UTF-8 in the tool that wrote it")
    return found.replace("\r\n", "\n").replace("\r", "\n")


def json(path: Path) -> Any:
    """JSON as plain Python objects.

    Raises:
        UserError: the file is missing, or no JSON.
    """
    content.require([path], MISSING)
    return jsonfile.decode(content.read_bytes(path), path)


def record(value: Any, kind: type[T], where: str, fault: str) -> T:
    """A part of decoded JSON as a record; numbers may be strings. `where` names the file, `fault` says what it is not.

    Raises:
        UserError: it does not fit.
    """
    return jsonfile.record(value, kind, where, fault, AGAIN)


def xml(path: Path) -> Element:
    """The root of an XML document.

    Raises:
        UserError: the file is missing, or no XML.
    """
    content.require([path], MISSING)
    return xmlfile.read(path, AGAIN)


def address(url: str, where: str) -> SplitResult:
    """The parts of the address of a video.

    Raises:
        UserError: it is none; `where` names the file and the place.
    """
    try:
        return urlsplit(url)
    except ValueError as error:
        raise UserError(f"{where} has the address {url!r} ({error}); mend it in the tool that wrote it.") from None
