"""Backbones: each a network, the clips that it was trained on, and where its weights are published; and which there are.

The folder is the registry: an architecture is a file beside this one, with its variants in BACKBONES; `load("csn_ir152")` is
one of csn.py.
"""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from wstal.base.errors import UserError

Rule = tuple[str, str | Callable[[re.Match], str]]  # pattern and replacement, as `re.sub` takes them


def unchanged(theirs: str, tensor: Tensor) -> Tensor:
    """A tensor (...) that a layout stores as torch does."""
    return tensor


@dataclass(frozen=True)
class Layout:
    """One published way to name the tensors of a network."""

    title: str  # whose files look like this
    rules: tuple[Rule, ...]  # our name of a tensor -> the published one, one substitution after the other
    convert: Callable[[str, Tensor], Tensor] = unchanged  # published name, stored tensor -> torch's order of axes
    ones: str = "(?!)"  # our tensors that these files leave out, because they are all one
    unused: str = "(?!)"  # their tensors that the network has no use for

    def sources(self, ours: str) -> list[str]:
        """Published names of our tensor; several are joined along their first axis."""
        for pattern, replacement in self.rules:
            ours = re.sub(pattern, replacement, ours)
        return ours.split("|")

    def is_one(self, ours: str) -> bool:
        """Whether the files leave out our tensor, because it is all one."""
        return re.search(self.ones, ours) is not None

    def is_unused(self, theirs: str) -> bool:
        """Whether the network has no use for a published tensor."""
        return re.search(self.unused, theirs) is not None


CAFFE2_ENDINGS: tuple[Rule, ...] = (
    (r"(conv|head)\.weight$", r"\1_w"),
    (r"(norm)\.weight$", r"\1_s"),
    (r"(norm|head)\.bias$", r"\1_b"),
    (r"(norm)\.running_mean$", r"\1_rm"),
    (r"(norm)\.running_var$", r"\1_riv"),
)
CAFFE2_UNUSED = r"_momentum$|^lr$|^model_iter$"  # the state of its optimizer


@dataclass(frozen=True)
class Package:
    """Weights that are part of a Python source package."""

    requirement: str  # name==version
    sha256: str  # of the package's archive
    member: str  # the weights' path inside
    member_sha256: str


@dataclass(frozen=True)
class Backbone:
    """A video network as a feature extractor.

    A clip holds the frames `offsets` of a window of `window_f` frames at `fps` frames a second: RGB, short side resized
    to `short_side` pixels, the centre `size` x `size` cut out. `network(classes)` maps normalized clips (N, C, T, H, W) to
    features (N, width); its `head` maps these to the scores of the classes that it was trained on.
    """

    name: str  # <architecture>_<variant>
    stream: str  # rgb or flow
    fps: float
    window_f: int
    offsets: tuple[int, ...]
    short_side: int  # pixels
    size: int  # pixels
    mean: tuple[float, ...]  # of each channel, of values 0 to 255
    std: tuple[float, ...]
    width: int
    network: Callable[[int], nn.Module]
    layouts: tuple[Layout, ...]  # what published files may look like
    weights: str  # which file, from where
    package: Package | None = None
    fixed: bool = False  # whether the network takes pictures of `size` alone

    @property
    def clip(self) -> tuple[int, int, int, int]:
        """Shape (C, T, H, W) of a clip."""
        return len(self.mean), len(self.offsets), self.size, self.size

    def build(self, classes: int) -> nn.Module:
        """The network with arbitrary weights, ready for inference."""
        return self.network(classes).eval().requires_grad_(False)


def load(name: str) -> Backbone:
    """The backbone `name`.

    Raises:
        UserError: there is none of that name.
    """
    known = {backbone.name: backbone for backbone in every()}
    if name not in known:
        raise UserError(f"backbone {name!r} is unknown; name one of: {', '.join(known)}.")
    return known[name]


def every() -> list[Backbone]:
    """All variants of all architectures, by file and in the order of each file's BACKBONES."""
    folder = Path(__file__).parent
    modules = (importlib.import_module(f"{__package__}.{path.stem}") for path in sorted(folder.glob("[!_]*.py")))
    return [one for module in modules for one in getattr(module, "BACKBONES", ())]
