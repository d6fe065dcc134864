"""What one run is trained and localized with: every parameter, resolved and typed. A part of run.yaml."""

from collections.abc import Mapping
from typing import Any, Literal

from wstal.base.conversion import convert
from wstal.base.errors import UserError
from wstal.base.record import Count, Index, Name, NonNegative, Params, Positive, Rate, Record
from wstal.data.sampling import Snippets
from wstal.detect.localize import Localize


class Optimizer(Record):
    """Adam with L2 regularisation inside the gradient, as all reference codes use it."""

    lr: Positive
    betas: tuple[Rate, Rate]
    weight_decay: NonNegative


class Training(Record):
    """Length and batches of a training run. Losses are summed over the bags of a batch."""

    epochs: Count  # passes over the training videos
    batch_videos: Count  # bags whose gradients one step sums
    snippets: Snippets  # which snippets of a video a bag holds
    mode: Literal["reproducible", "fast"] = "reproducible"  # bit for bit; or whatever a GPU can do: bfloat16, many at once
    checkpoints: Index = 0  # weights kept on the way, equally spaced, for the table that says what choosing among them is worth


class Common(Record, kw_only=True):
    """What settings hold, but for the parameters whose type is the method's own."""

    method: Name  # a file of wstal/methods
    preset: str  # of the method, that the other values begin with
    early_fusion: bool  # one network on concatenated streams, or a network per stream fused by `localize`
    weights: dict[str, NonNegative]  # of the loss terms, those of plug-ins included; 0 is an ablation
    optimizer: Optimizer
    training: Training
    localize: Localize
    streams: tuple[Name, ...] = ()  # of the dataset, that the run uses; none named: all


class Draft(Common, kw_only=True):
    """Settings as files spell them, before their method is asked."""

    params: dict[str, Any]
    plugins: dict[Name, dict[str, Any]] = {}


class Settings(Common, kw_only=True):
    """Settings that fit their method."""

    params: Params  # the method's own `Params`
    plugins: dict[Name, Params] = {}  # parts of other methods that train along, each with its `Params`

    @property
    def networks(self) -> dict[str, tuple[str, ...]]:
        """{network: the streams it reads}: one network a stream, or one on all streams concatenated."""
        return {"joint": self.streams} if self.early_fusion else {stream: (stream,) for stream in self.streams}

    @property
    def loss_names(self) -> tuple[str, ...]:
        """The loss terms: the method's own, then one of each plug-in's name."""
        from wstal import methods

        return (*methods.load(self.method).loss_names, *self.plugins)


def settings(merged: Mapping[str, Any], where: str) -> Settings:
    """A mapping as settings; `where` names file and place.

    Raises:
        UserError: something does not fit: a parameter, the names of the weights, or groups that a batch cannot hold.
    """
    from wstal import methods, plugins

    draft = convert(merged, Draft, where)
    kind = methods.load(draft.method)
    params = convert(draft.params, kind.Params, f"{where}, params of {draft.method}")
    plugged = {
        name: convert(values, plugins.load(name).Params, f"{where}, plugins.{name}") for name, values in draft.plugins.items()
    }
    shared = {name: getattr(draft, name) for name in Common.__struct_fields__}
    found = Settings(params=params, plugins=plugged, **shared)
    check(found, kind, where)
    return found


def check(found: Settings, kind: Any, where: str) -> None:
    """What no single field can say: loss terms and weights agree, and groups fit into a batch.

    Raises:
        UserError: they do not.
    """
    if twice := set(kind.loss_names) & set(found.plugins):
        raise UserError(f"{where}: {found.method} has a loss term {min(twice)!r} by itself; remove it from `plugins`.")
    if set(found.weights) != set(found.loss_names):
        raise UserError(
            f"{where}: weights must name exactly the loss terms {', '.join(found.loss_names)}; "
            f"it names {', '.join(found.weights)}."
        )
    groups, size = found.params.bag_groups, found.training.batch_videos
    if groups.count * groups.size > size:
        raise UserError(
            f"{where}: {groups.count} groups of {groups.size} videos do not fit into a batch of {size}; raise "
            "training.batch_videos or have fewer groups."
        )
