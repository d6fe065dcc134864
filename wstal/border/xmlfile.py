"""XML -> its elements. A document with a type or entities of its own, which may grow or lead elsewhere, is refused."""

from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from wstal.base.errors import UserError
from wstal.border import content
from wstal.border.limits import LIMITS


def read(path: Path, cure: str) -> Element:
    """The root of the document, a file in UTF-8; names keep their prefixes. `cure` ends the sentence.

    Raises:
        UserError: the file is missing, no XML, too long or too deep, or declares a document type.
    """
    text = content.read_text(path, LIMITS.xml_bytes, cure)
    builder, depth = TreeBuilder(), 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > LIMITS.depth:
            raise UserError(f"{path} nests deeper than {LIMITS.depth} levels, as no data does; {cure}.")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def declared(*_: object) -> None:
        raise UserError(f"{path} declares a document type (<!DOCTYPE), which is not read; remove it, or {cure}.")

    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, builder.data
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(text.encode("utf-8"), True)
        return builder.close()
    except (expat.ExpatError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); {cure}.") from None
