"""A run, resolved once: all that training, prediction and localization of it take, and all that its weights need later.

<run>/run.yaml                  `Card`
<run>/<network>.safetensors     the last weights, and those of checkpoints

A run folder stands by itself and may be copied anywhere.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from wstal.base import conversion, files, seeding
from wstal.base.errors import UserError
from wstal.base.extraction import Extraction
from wstal.base.record import Index, Name, Record
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Detections, VideoScores
from wstal.border import content, tensorfile, yamlfile
from wstal.border.limits import LIMITS
from wstal.config.plan import RowsPlan
from wstal.config.settings import Draft, Settings
from wstal.config.settings import settings as typed
from wstal.data.prepared import Prepared
from wstal.detect.localize import localize
from wstal.methods.base import Method
from wstal.training.train import build

CURE = "name a folder that `wstal train` wrote, or one of the pipeline's runs/<entry>/<row>/<seed>"


class _Card(Record, kw_only=True):
    entry: Name
    row: Name
    seed: Index
    classes: tuple[str, ...]  # in the order of their index
    dims: dict[str, int]  # stream -> width D of its features
    grid: TimeGrid
    backbone: str  # what made the features
    extraction: Extraction | None  # how videos went through it; none where features were published or simulated


class _Written(_Card, kw_only=True):
    settings: Draft


class Card(_Card, kw_only=True):
    """The content of run.yaml."""

    settings: Settings

    @property
    def networks(self) -> dict[str, tuple[str, ...]]:
        """{network: the streams it reads}."""
        return self.settings.networks

    def dim(self, network: str) -> int:
        """Feature width D that a network reads."""
        return sum(self.dims[stream] for stream in self.networks[network])


def card(plan: RowsPlan, row: str, seed: int, data: Prepared) -> Card:
    """The card of a planned row on prepared data.

    Raises:
        UserError: its streams lie on different time grids.
    """
    settings, store = plan.rows[row], data.store
    return Card(
        entry=plan.entry, row=row, seed=seed, settings=settings, classes=data.labels.classes,
        dims={stream: store.dim(stream) for stream in settings.streams}, grid=store.grid(settings.streams),
        backbone=plan.backbone, extraction=plan.extraction,
    )  # fmt: skip


def detect(card: Card, scores: Mapping[str, Mapping[str, VideoScores]], durations_s: Mapping[str, float]) -> Detections:
    """Detections in videos, from scores {network: {video: scores}} of a run's networks and lengths of the videos in seconds."""
    return localize(scores, card.classes, durations_s, card.grid, card.settings.localize)


def write(card: Card, folder: Path) -> None:
    """Write <folder>/run.yaml; JSON knows no infinite thresholds."""
    files.write(folder / "run.yaml", conversion.text(card))


def read(folder: Path) -> Card:
    """run.yaml of a folder.

    Raises:
        UserError: it is no run folder, or its run.yaml is damaged.
    """
    path = folder / "run.yaml"
    if not path.is_file():
        raise UserError(f"{folder} is no trained run, as it holds no run.yaml; {CURE}.")
    again = f"train again, or {CURE}"
    data = content.read_bytes(path, LIMITS.yaml_bytes, again)
    try:
        written = msgspec.convert(yamlfile.parse(content.as_text(data, path, again), path), _Written)
        resolved = typed(msgspec.to_builtins(written.settings), str(path))
    except (msgspec.ValidationError, OverflowError, UserError) as error:
        raise UserError(f"{path} is damaged or of another version ({error}); {again}.") from None
    rest = {name: getattr(written, name) for name in _Card.__struct_fields__}
    return Card(settings=resolved, **rest)


def load(card: Card, folder: Path, network: str, checkpoint: int | None = None) -> Method:
    """A network of a run folder, on this machine's device: its last weights, or a checkpoint.

    Raises:
        UserError: the weights are missing or damaged.
    """
    return restore(card, folder / f"{network}.safetensors", network, checkpoint)


def restore(card: Card, path: Path, network: str, checkpoint: int | None = None) -> Method:
    """A network of a run from the file of its weights, as `load`.

    Raises:
        UserError: the weights are missing or damaged.
    """
    model = build(card.settings, card.dim(network), len(card.classes))
    prefix = "" if checkpoint is None else f"{checkpoint}:"
    fault, cure = "is missing or damaged", "copy the whole run folder, or train again"
    tensors = tensorfile.read(path, fault, cure)
    try:
        model.load_state_dict({name: tensors[prefix + name] for name in model.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{path} {fault} ({' '.join(str(error).split())[:200]}); {cure}.") from None
    return model.to(seeding.device()).eval()
