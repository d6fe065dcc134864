"""Bags x method -> weights. The loop knows no method and no dataset by name, and can reach no segment time."""

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import islice
from operator import add
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from wstal import methods, plugins
from wstal.base.errors import UserError
from wstal.base.seeding import device, seed_everything
from wstal.config.settings import Settings
from wstal.data.bags import Bags, Drawn, batches
from wstal.methods.base import Method
from wstal.plugins.base import Plugged
from wstal.training import loss_history
from wstal.training.interrupted import Unfinished
from wstal.training.loss_history import Losses
from wstal.training.parts import CALLS, Scored, partition, scored

AHEAD = 64  # steps whose snippets are drawn at once
Step = Callable[[int, int, Callable[[], float]], None]  # called with (steps done, steps in all, mean loss since it last asked)


def build(settings: Settings, dim: int, classes: int) -> Method:
    """An untrained method, with its plug-ins, for features of width `dim`."""
    host = methods.load(settings.method)(dim, classes, settings.params)
    if not settings.plugins:
        return host
    return Plugged(host, {name: plugins.load(name) for name in settings.plugins}, settings.plugins)


class Fitted(NamedTuple):
    """What training leaves."""

    model: Method  # the last weights
    history: np.ndarray  # (steps, terms) losses a bag, unweighted, in the order of loss_names
    checkpoints: list[dict[str, Tensor]]  # weights on the way, as many as `training.checkpoints`


class Trainer:
    """A network in training, on bags of its streams: model and optimizer, and what each of its steps sees.

    Raises:
        UserError: there are fewer videos than a batch holds.
    """

    def __init__(self, settings: Settings, bags: Bags, seed: int):
        seed_everything(seed)
        self.settings, self.bags, self.device = settings, bags, device()
        self.rng, training = np.random.default_rng(seed), settings.training
        self.model = build(settings, bags.dim, bags.labels.shape[1]).to(self.device).train()
        self.optimizer = torch.optim.Adam(
            self.model.parameters(),
            **msgspec.structs.asdict(settings.optimizer),
            fused=True,
            capturable=self.device.type == "cuda",
        )
        groups = self.model.params.bag_groups
        self.steps = list(batches(bags.labels.numpy(), training.batch_videos, training.epochs, groups, self.rng))
        if not self.steps:
            raise UserError(f"{len(bags)} training videos make no batch of {training.batch_videos}; lower batch_videos.")
        self.kept = {len(self.steps) * (k + 1) // (training.checkpoints + 1) for k in range(training.checkpoints)}
        self.checkpoints: list[dict[str, Tensor]] = []

    def draws(self) -> Iterator[Drawn]:
        """What each step sees, in order; drawn ahead for several steps."""
        for start in range(0, len(self.steps), AHEAD):
            ahead = self.steps[start : start + AHEAD]
            drawn = self.bags.draw(np.concatenate(ahead), self.settings.training.snippets, self.rng)
            ends = np.cumsum([len(step) for step in ahead]).tolist()
            yield from (drawn.take(slice(end - len(step), end)) for step, end in zip(ahead, ends, strict=True))

    def update(self, parts: Iterable[Scored], progress: Tensor) -> list[list[Tensor]]:
        """One step of the optimizer, on B bags in parts, with scores of (b, T, ...) each.

        `progress` is the share of all steps that are done, a scalar on the device. Returns the losses of each part, summed over
        its bags, in the order of loss_names.
        """
        self.optimizer.zero_grad(set_to_none=True)
        found = []
        for part in parts:
            scores = part.scores._replace(terms=part.scores.terms | {"progress": progress})
            with torch.no_grad():
                self.model.observe(scores, part.mask)
            terms = self.model.losses(scores, part.labels, part.mask)
            reduce(add, (self.settings.weights[name] * value for name, value in terms.items())).backward()
            found.append([terms[name].detach() for name in self.model.loss_names])
        self.optimizer.step()
        return found

    def keep(self, done: int) -> None:
        """Keep the weights after `done` steps, where a checkpoint is due."""
        if done in self.kept:
            self.checkpoints.append({name: value.detach().clone() for name, value in self.model.state_dict().items()})

    def loss(self, history: Tensor) -> float:
        """The mean total loss a bag of some steps; history (S, K) as for `fitted`. Waits for the device."""
        weights = [self.settings.weights[name] for name in self.model.loss_names]
        return loss_history.total(history, weights, self.settings.training.batch_videos)

    def fitted(self, history: Tensor) -> Fitted:
        """The trained network; history (S, K) of S steps and K terms, losses summed over the bags of a step.

        Raises:
            UserError: a loss is not finite.
        """
        if not history.isfinite().all():
            raise UserError(
                f"training of {self.settings.method} diverged (a loss is not finite); lower the learning rate in params.yaml."
            )
        each = history.cpu().numpy() / self.settings.training.batch_videos
        return Fitted(self.model.eval(), each, self.checkpoints)


def fit(settings: Settings, bags: Bags, seed: int, step: Step, unfinished: Unfinished | None = None) -> Fitted:
    """Train from `seed` on bags of one network's streams, bit for bit the same each time; `step` hears of progress.

    With `unfinished`, training goes on from there, and is written there now and then; what it leaves is the same.

    Raises:
        UserError: there are fewer videos than a batch holds, or a loss is not finite.
    """
    trainer = Trainer(settings, bags, seed)
    weights = sum(p.numel() for p in trainer.model.parameters())
    cut = trainer.device.type == "cpu" and not trainer.model.params.mixes_bags  # a GPU waits for calls, not for arithmetic
    calls = CALLS if cut else float("inf")
    before = unfinished.restore(trainer) if unfinished else None
    history = Losses(torch.zeros(0, len(trainer.model.loss_names), device=trainer.device) if before is None else before)
    first = len(history.all())
    for done, drawn in enumerate(islice(trainer.draws(), first, None), start=first + 1):
        places = partition(drawn.lengths, weights, calls)
        parts = [bags.gather(drawn.take(part)).to(trainer.device) for part in places]
        progress = torch.tensor(done - 1, device=trainer.device) / len(trainer.steps)
        history.add(trainer.update(scored(trainer.model, parts, np.concatenate(places)), progress))
        trainer.keep(done)
        if unfinished and unfinished.due():
            unfinished.store(trainer, history.all())
        step(done, len(trainer.steps), lambda: trainer.loss(history.recent()))
    return trainer.fitted(history.all())
