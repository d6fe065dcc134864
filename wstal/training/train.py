"""Bags x method -> weights. The loop knows no method and no dataset by name, and can reach no segment time."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from wstal import methods, plugins
from wstal.base.errors import UserError
from wstal.base.seeding import device, seed_everything
from wstal.base.types import Groups
from wstal.config.settings import Settings, Training
from wstal.data.bags import Bags, grouped, shuffled
from wstal.methods.base import Method
from wstal.plugins.base import Plugged

Step = Callable[[int, int], None]  # called with (steps done, steps in all)


def build(settings: Settings, dim: int, classes: int) -> Method:
    """An untrained method, with its plug-ins, for features of width `dim`."""
    host = methods.load(settings.method)(dim, classes, settings.params)
    if not settings.plugins:
        return host
    return Plugged(host, {name: plugins.load(name) for name in settings.plugins}, settings.plugins)


def batches(groups: Groups, training: Training, bags: Bags, rng: np.random.Generator) -> list[np.ndarray]:
    """Indices (B,) of the bags of every step, grouped where the method compares bags."""
    size, epochs = training.batch_videos, training.epochs
    if groups.count:
        return list(grouped(bags.labels.numpy(), size, epochs, groups, rng))
    return list(shuffled(len(bags), size, epochs, rng))


class Fitted(NamedTuple):
    """What training leaves."""

    model: Method  # the last weights
    history: np.ndarray  # (steps, terms) losses a bag, unweighted, in the order of loss_names
    checkpoints: list[dict[str, Tensor]]  # weights on the way, as many as `training.checkpoints`


def fit(settings: Settings, bags: Bags, seed: int, step: Step) -> Fitted:
    """Train from `seed` on bags of one network's streams; `step` hears of progress.

    Raises:
        UserError: there are fewer videos than a batch holds, or a loss is not finite.
    """
    seed_everything(seed)
    training = settings.training
    rng = np.random.default_rng(seed)
    model = build(settings, bags.dim, bags.labels.shape[1]).to(device())
    optimizer = torch.optim.Adam(model.parameters(), **msgspec.structs.asdict(settings.optimizer), fused=True)
    steps = batches(model.params.bag_groups, training, bags, rng)
    if not steps:
        raise UserError(f"{len(bags)} training videos make no batch of {training.batch_videos}; lower batch_videos.")
    kept = {len(steps) * (k + 1) // (training.checkpoints + 1) for k in range(training.checkpoints)}
    model.train()
    history, checkpoints = torch.zeros(len(steps), len(model.loss_names)), []
    for done, index in enumerate(steps):
        batch = bags.batch(index.tolist(), training.snippets, rng)
        x, mask, labels = (part.to(device()) for part in batch)
        terms = model.losses(model(x, mask), labels, mask)
        total = reduce(add, (settings.weights[name] * value for name, value in terms.items()))
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()
        history[done] = torch.stack([terms[name].detach() for name in model.loss_names]) / len(index)
        if done + 1 in kept:
            checkpoints.append({name: value.detach().clone() for name, value in model.state_dict().items()})
        step(done + 1, len(steps))
    if not history.isfinite().all():
        raise UserError(
            f"training of {settings.method} diverged (a loss is not finite); lower the learning rate in params.yaml."
        )
    return Fitted(model.eval(), history.cpu().numpy(), checkpoints)
