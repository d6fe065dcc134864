"""Bags x method -> weights. The loop knows no method and no dataset by name, and can reach no segment time."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from wstal import methods, plugins
from wstal.base.errors import UserError
from wstal.base.seeding import device, seed_everything
from wstal.config import parameters
from wstal.data.bags import Bags, grouped, shuffled
from wstal.methods.base import Method
from wstal.plugins.base import Plugged

Step = Callable[[int, int], None]  # called with (steps done, steps in all)


def build(how: parameters.MethodConfig, method: str, dim: int, classes: int) -> Method:
    """An untrained method, with its plug-ins, for features of width `dim`; all parameters come from params.yaml."""
    names = loss_names(how, method)
    if set(how.weights) != set(names):
        raise UserError(
            f"params.yaml, methods.{method}: weights must name exactly the loss terms {', '.join(names)}; "
            f"it names {', '.join(how.weights)}."
        )
    kind = methods.load(method)
    host = kind(dim, classes, parameters.convert(how.params, kind.Params, f"methods.{method}, params"))
    groups, size = host.groups, how.training.batch_videos
    if groups.count * groups.size > size:
        raise UserError(
            f"params.yaml, methods.{method}: {groups.count} groups of {groups.size} videos do not fit into a batch of "
            f"{size}; raise training.batch_videos or have fewer groups."
        )
    if not how.plugins:
        return host
    kinds = {name: plugins.load(name) for name in how.plugins}
    params = {
        name: parameters.convert(values, kinds[name].Params, f"methods.{method}, plugins.{name}")
        for name, values in how.plugins.items()
    }
    return Plugged(host, kinds, params)


def loss_names(how: parameters.MethodConfig, method: str) -> tuple[str, ...]:
    """The loss terms of a row: the method's own, then one of each plug-in's name."""
    own = methods.load(method).loss_names
    if twice := set(own) & set(how.plugins):
        raise UserError(f"params.yaml, methods.{method}: it has {min(twice)!r} by itself; remove it from `plugins`.")
    return (*own, *how.plugins)


def batches(model: Method, how: parameters.Training, bags: Bags, rng: np.random.Generator) -> list[np.ndarray]:
    """Indices of the bags of every step, grouped where the method compares bags."""
    size, epochs = how.batch_videos, how.epochs
    if model.groups.count:
        return list(grouped(bags.labels.numpy(), size, epochs, model.groups, rng))
    return list(shuffled(len(bags), size, epochs, rng))


class Fitted(NamedTuple):
    """What training leaves."""

    model: Method  # the last weights
    history: np.ndarray  # (steps, terms) losses a bag, unweighted, in the order of loss_names
    checkpoints: list[dict[str, Tensor]]  # weights on the way, as many as `training.checkpoints`


def fit(how: parameters.MethodConfig, method: str, bags: Bags, seed: int, step: Step) -> Fitted:
    """Train from `seed`."""
    seed_everything(seed)
    rng = np.random.default_rng(seed)
    model = build(how, method, bags.dim, bags.labels.shape[1]).to(device())
    optimizer = torch.optim.Adam(model.parameters(), **msgspec.structs.asdict(how.optimizer), fused=True)
    steps = batches(model, how.training, bags, rng)
    if not steps:
        raise UserError(f"{len(bags)} training videos make no batch of {how.training.batch_videos}; lower batch_videos.")
    kept = {len(steps) * (k + 1) // (how.training.checkpoints + 1) for k in range(how.training.checkpoints)}
    model.train()
    history, checkpoints = torch.zeros(len(steps), len(model.loss_names)), []
    for done, index in enumerate(steps):
        batch = bags.batch(index, how.training.snippets, rng)
        x, mask, labels = (part.to(device()) for part in batch)
        terms = model.losses(model(x, mask), labels, mask)
        total = sum(how.weights[name] * value for name, value in terms.items())
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()
        history[done] = torch.stack([terms[name].detach() for name in model.loss_names]) / len(index)
        if done + 1 in kept:
            checkpoints.append({name: value.detach().clone() for name, value in model.state_dict().items()})
        step(done + 1, len(steps))
    if not history.isfinite().all():
        raise UserError(f"training of {method} diverged (a loss is not finite); lower the learning rate in params.yaml.")
    return Fitted(model.eval(), history.cpu().numpy(), checkpoints)
