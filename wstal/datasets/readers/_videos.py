"""The video files of a folder, by name."""

import unicodedata
from pathlib import Path, PurePosixPath

from wstal.base.errors import UserError
from wstal.checks.spelling import nearest


class VideoFiles:
    """The files of a folder by name, and by name without ending.

    Raises:
        UserError: there is no such folder.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder; put the videos there, or set `source.videos` in params.yaml.")
        self.folder = folder
        self.by_name: dict[str, list[Path]] = {}
        self._by_folded: dict[str, list[Path]] = {}
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                for name in {path.name, path.stem}:
                    self.by_name.setdefault(name, []).append(path)
                    self._by_folded.setdefault(folded(name), []).append(path)

    def find(self, name: str, where: str, cure: str) -> Path:
        """The one file that `name` means, as `where` says; `cure` is what helps if there is none.

        Case does not count where it leaves one file, and the name may be a path: to a file, or as another computer had it.

        Raises:
            UserError: there is none, or there are several.
        """
        path = PurePosixPath(name.replace("\\", "/"))
        if len(path.parts) > 1 and ".." not in path.parts and (self.folder / path).is_file():
            return self.folder / path
        last = name if ".." in path.parts else path.name
        found = next(filter(None, (of.get(to, []) for of, to in self._places(name, last))), [])
        if len(found) > 1:
            raise UserError(f"{where}: {name!r} may be {found[0].name} or {found[1].name}; write the name with its ending.")
        if not found:
            near = nearest(path.name, sorted(self.by_name))
            hint = f" (the nearest name is {near!r})" if near else ""
            raise UserError(f"{where}: {self.folder} has no video {name!r}; put it there, or {cure}{hint}.")
        return found[0]

    def _places(self, name: str, last: str) -> list[tuple[dict[str, list[Path]], str]]:
        """Where a name is looked up, one after the other: as it is, in other letters, and the same for the end of a path."""
        tables = (self.by_name, self._by_folded)
        return [(table, text if table is self.by_name else folded(text)) for text in (name, last) for table in tables]


def folded(name: str) -> str:
    """The name without regard to case and to Unicode's two spellings of accents."""
    return unicodedata.normalize("NFC", name).casefold()
