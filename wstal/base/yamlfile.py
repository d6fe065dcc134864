"""YAML on disk, in which a key may stand once: of two entries with one name, neither is dropped in silence."""

from pathlib import Path
from typing import Any

import yaml

from wstal.base.errors import UserError


class Loader(yaml.SafeLoader):
    """Safe YAML without repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """A mapping; a key that stands twice is a ConstructorError with its place."""
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key, (place, _) in zip(keys, node.value, strict=True):
            if keys.count(key) > 1 and key != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", place.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path, cure: str) -> Any:
    """What a YAML file holds; `cure` ends the sentence about a file that cannot be read: "restore it with ...".

    Raises:
        UserError: the file is missing, unreadable, or no YAML; a key stands twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {cure}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}); {cure}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML ({' '.join(str(error).split())}); mend that line.") from None
