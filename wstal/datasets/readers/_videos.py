"""The video files of a folder, by name."""

from pathlib import Path

from wstal.base.errors import UserError


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
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                for name in {path.name, path.stem}:
                    self.by_name.setdefault(name, []).append(path)

    def find(self, name: str, where: str, cure: str) -> Path:
        """The one file that `name` means, as `where` says; `cure` is what helps if there is none.

        Raises:
            UserError: there is none, or there are several.
        """
        found = self.by_name.get(name, [])
        if len(found) > 1:
            raise UserError(f"{where}: {name!r} may be {found[0].name} or {found[1].name}; write the name with its ending.")
        if not found:
            raise UserError(f"{where}: {self.folder} has no video {name!r}; put it there, or {cure}.")
        return found[0]
