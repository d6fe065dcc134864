"""Bags x method -> weights. The loop knows no method and no dataset by name, and can reach no segment time."""

from collections.abc import Callable

import msgspec
import numpy as np
import torch

from wstal import config, methods, plugins
from wstal.data.bags import Bags, shuffled
from wstal.errors import UserError
from wstal.methods.base import Method
from wstal.plugins.base import Plugged
from wstal.seeding import device, seed_everything

Step = Callable[[int, int], None]  # called with (steps done, steps in all)


def build(how: config.MethodConfig, method: str, dim: int, classes: int) -> Method:
    """An untrained method, with its plug-ins, for features of width `dim`; all parameters come from params.yaml."""
    names = loss_names(how, method)
    if set(how.weights) != set(names):
        raise UserError(
            f"params.yaml, methods.{method}: weights must name exactly the loss terms {', '.join(names)}; "
            f"it names {', '.join(how.weights)}."
        )
    kind = methods.load(method)
    host = kind(dim, classes, config.convert(how.params, kind.Params, f"methods.{method}, params"))
    if not how.plugins:
        return host
    kinds = {name: plugins.load(name) for name in how.plugins}
    params = {
        name: config.convert(values, kinds[name].Params, f"methods.{method}, plugins.{name}")
        for name, values in how.plugins.items()
    }
    return Plugged(host, kinds, params)


def loss_names(how: config.MethodConfig, method: str) -> tuple[str, ...]:
    """The loss terms of a row: the method's own, then one of each plug-in's name."""
    own = methods.load(method).loss_names
    if twice := set(own) & set(how.plugins):
        raise UserError(f"params.yaml, methods.{method}: it has {min(twice)!r} by itself; remove it from `plugins`.")
    return (*own, *how.plugins)


def fit(how: config.MethodConfig, method: str, bags: Bags, seed: int, step: Step) -> tuple[Method, np.ndarray]:
    """Train from `seed`. -> (trained method, losses (steps, terms) a bag, unweighted, in the order of loss_names)."""
    seed_everything(seed)
    rng = np.random.default_rng(seed)
    model = build(how, method, bags.dim, bags.labels.shape[1]).to(device())
    optimizer = torch.optim.Adam(model.parameters(), **msgspec.structs.asdict(how.optimizer), fused=True)
    batches = list(shuffled(len(bags), how.training.batch_videos, how.training.epochs, rng))
    if not batches:
        raise UserError(f"{len(bags)} training videos make no batch of {how.training.batch_videos}; lower batch_videos.")
    model.train()
    history = torch.zeros(len(batches), len(model.loss_names))
    for done, index in enumerate(batches):
        batch = bags.batch(index, how.training.snippets, rng)
        x, mask, labels = (part.to(device()) for part in batch)
        terms = model.losses(model(x, mask), labels, mask)
        total = sum(how.weights[name] * value for name, value in terms.items())
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()
        history[done] = torch.stack([terms[name].detach() for name in model.loss_names]) / len(index)
        step(done + 1, len(batches))
    if not history.isfinite().all():
        raise UserError(f"training of {method} diverged (a loss is not finite); lower the learning rate in params.yaml.")
    return model.eval(), history.cpu().numpy()
