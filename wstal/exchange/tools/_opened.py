"""Files of tools as values: text, JSON, XML. Nothing else in this room opens what others wrote."""

from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

import msgspec

from wstal.base import files
from wstal.base.errors import UserError, system_errors

T = TypeVar("T")


def text(path: Path) -> str:
    """The content of a file in UTF-8, without a byte order mark, its lines ended by line feeds.

    Raises:
        UserError: the file is missing, or no text in UTF-8.
    """
    try:
        with system_errors(path):
            content = path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UserError(f"{path} is no file; name a corrected file of an annotation tool.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not in UTF-8; save it as UTF-8 in the tool that wrote it.") from None
    return content.replace("\r\n", "\n").replace("\r", "\n")


def json(path: Path) -> Any:
    """JSON as plain Python objects.

    Raises:
        UserError: the file is missing, or no JSON.
    """
    return files.decode(files.read_bytes(path), path)


def record(value: Any, kind: type[T], fault: str) -> T:
    """A part of decoded JSON as a record; numbers may be strings. `fault` names the file and says what it is not.

    Raises:
        UserError: it does not fit.
    """
    try:
        return msgspec.convert(value, kind, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UserError(f"{fault} ({error}); save it again in the tool that wrote it.") from None


def xml(path: Path) -> ElementTree.Element:
    """The root of an XML document.

    Raises:
        UserError: the file is missing, or no XML.
    """
    try:
        return ElementTree.fromstring(text(path))
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); save it again in the tool that wrote it.") from None
