"""How much a file may be, and become in memory. One record, so that SECURITY.md and every reader say the same."""

from dataclasses import dataclass
from pathlib import Path

from wstal.base.errors import UserError

KIB, MIB, GIB = 2**10, 2**20, 2**30


@dataclass(frozen=True)
class Limits:
    """Bounds that no published file comes near."""

    json_bytes: int = 4 * GIB
    yaml_bytes: int = 2 * MIB
    xml_bytes: int = 16 * MIB
    text_bytes: int = 1 * GIB  # of a table or a list of ids
    header_bytes: int = 10_000  # of an .npy file, text that says shape and kind of number
    tensors_header_bytes: int = 16 * MIB  # of a .safetensors file, JSON that lists its arrays
    depth: int = 64  # lists and mappings inside each other
    axes: int = 16  # of an array
    members: int = 1_000_000  # of an archive
    expansion: int = 200  # bytes in memory for each byte of the file: good compression of features is below 20
    spare_bytes: int = 64 * MIB  # what a file of any size may become
    pixels: int = 2**26  # of a picture of a video: 8192 x 8192
    still_s: int = 10  # one picture of a video may stand for so long without a word,
    gap_s: int = 300  # and for so long at all
    video_s: int = 7 * 24 * 3600  # a video lasts no longer


LIMITS = Limits()


def allowed_bytes(stored: int) -> int:
    """What `stored` bytes of a file may become in memory."""
    return max(LIMITS.spare_bytes, LIMITS.expansion * stored)


def check_expansion(becomes: int, stored: int, where: str | Path) -> None:
    """Refuse what states to be far more than the file has bytes for; `where` names it.

    Raises:
        UserError: `becomes` bytes are too many for `stored` bytes.
    """
    if becomes > (most := allowed_bytes(stored)):
        raise UserError(
            f"{where} states {_size(becomes)} of content in {_size(stored)} of file, more than the {_size(most)} that are "
            "read of it; it is damaged or made to fill the memory, so download it again or save its arrays uncompressed."
        )


def check_size(size: int, most: int, path: Path | str) -> None:
    """Refuse a file that is longer than any of its kind.

    Raises:
        UserError: `size` bytes are more than `most`.
    """
    if size > most:
        raise UserError(
            f"{path} has {_size(size)}, and no more than {_size(most)} are read of such a file; name the right one."
        )


def _size(count: int) -> str:
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if count >= unit:
            return f"{count // unit} {name}"
    return f"{count} bytes"
