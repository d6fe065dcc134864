"""The manifest of a feature store, as `wstal.base.manifest` writes it; streams of videos are those of the store."""

from pathlib import Path

from wstal.base import manifest
from wstal.base.errors import UserError
from wstal.base.manifest import AGAIN, Manifest
from wstal.border import content, jsonfile, names


def read(folder: Path) -> Manifest:
    """The manifest of the store `folder`.

    Raises:
        UserError: it is missing, damaged, or of another layout of the store.
    """
    path = manifest.file(folder)
    if not path.exists():
        raise UserError(f"{path} is missing; make the features first with `dvc repro features`.")
    data = content.read_bytes(path, cure=AGAIN)
    made = jsonfile.parse(data, Manifest, str(path), "is damaged or of an older version", AGAIN)
    streams = {*made.streams, *(stream for rows in made.videos.values() for stream in rows)}
    if odd := sorted(streams ^ set(made.streams)) or sorted(set(made.streams) - set(made.grids)):
        raise UserError(f"{path} is damaged or of an older version (it says too little of stream {odd[0]!r}); {AGAIN}.")
    for stream in streams:
        names.part(stream, str(path))
    return made
