"""The manifest of a feature store, as `wstal.base.manifest` writes it; streams of videos are those of the store."""

from pathlib import Path

from wstal.base import manifest
from wstal.base.errors import UserError
from wstal.base.manifest import AGAIN, Manifest, Rows
from wstal.border import content, filenames, jsonfile


def read(folder: Path) -> Manifest:
    """The manifest of the store `folder`.

    Raises:
        UserError: it is missing, damaged, or of another layout of the store.
    """
    path = manifest.file(folder)
    if not path.exists():
        raise UserError(f"{path} is missing; make the features first with `dvc repro features`.")
    data = content.read_bytes(path, cure=AGAIN)
    made = jsonfile.convert(data, Manifest, str(path), "is damaged or of an older version", AGAIN)
    if data.count(b":") != _keys(made) + made.backbone.count(":"):  # colons in other names, or a key twice
        jsonfile.once(data, str(path), made)
    streams = set(made.streams).union(*made.videos.values())
    if odd := sorted(streams ^ set(made.streams)) or sorted(set(made.streams) - set(made.grids)):
        raise UserError(f"{path} is damaged or of an older version (it says too little of stream {odd[0]!r}); {AGAIN}.")
    for stream in streams:
        filenames.part(stream, str(path))
    return made


def _keys(made: Manifest) -> int:
    """How many keys the manifest has as JSON."""
    rows = sum(map(len, made.videos.values()))
    fields = sum(len(part.__struct_fields__) for part in made.streams.values()) + 3 * len(made.grids)
    top = len(made.__struct_fields__) - (not made.warnings) - (not made.notes)
    return (
        top
        + len(made.grids)
        + len(made.streams)
        + fields
        + len(made.videos)
        + rows * (1 + len(Rows.__struct_fields__))
        + len(made.warnings)
    )
