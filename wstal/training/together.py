"""Many networks trained side by side: on a GPU features stay there, and each network's steps are CUDA graphs on its own stream.

A network's first step of a length runs as it is; from the second on such a step is a graph that is replayed. Graphs of
different networks run at once, so that small kernels fill the chip. Kernels, shapes and random numbers of a network are those
of its run alone, and so are its weights, bit for bit. Any method can be trained so, unchanged, whose `forward` and `losses`
wait for no value: no `.item()`, no tensor made from Python numbers. On a GPU that has it, forward passes compute in bfloat16,
losses in float32 with products in TF32; weights stay in float32.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from wstal.config.settings import Settings
from wstal.data.bags import Bags
from wstal.data.sampling import longest
from wstal.methods.base import Scores
from wstal.training.feed import Feed, resident
from wstal.training.lane import Lane, lane
from wstal.training.parts import Scored
from wstal.training.train import Fitted, Step, Trainer

AT_ONCE = 8  # networks side by side, if memory allows
BUCKET = 64  # snippets: lengths of batches are rounded up to multiples, each of which is a graph

Running = Generator[None, None, Tensor]  # a step at a time -> losses (steps, terms), summed over bags


class Job(NamedTuple):
    """A network to train."""

    settings: Settings
    bags: Bags
    seed: int
    step: Step  # hears of progress


def fit_all(jobs: Sequence[Job]) -> Iterator[tuple[int, Fitted]]:
    """Train all jobs, several side by side -> (number of the job, what it leaves), in the order in which they end.

    Raises:
        UserError: as `fit`, or a method waits for a value.
    """
    waiting, active, tables = deque(enumerate(jobs)), deque[tuple[int, Trainer, Running]](), Tables()
    while waiting or active:
        while waiting and (not active or (len(active) < AT_ONCE and roomy(active[0][1].device))):
            number, job = waiting.popleft()
            trainer = Trainer(job.settings, job.bags, job.seed)
            own = lane(trainer.device, job.seed)
            active.append((number, trainer, train(trainer, own, tables.of(job.bags, trainer.device), job.step)))
        for _ in range(len(active)):
            number, trainer, running = active.popleft()
            try:
                next(running)
                active.append((number, trainer, running))
            except StopIteration as end:
                yield number, trainer.fitted(end.value)


def roomy(device: torch.device) -> bool:
    """Whether another network finds memory: half of it is free."""
    if device.type != "cuda":
        return True
    free, total = torch.cuda.mem_get_info(device)
    return free > total / 2


class Tables:
    """Features on the device, shared by networks that read the same."""

    def __init__(self) -> None:
        self.kept: list[tuple[Bags, Tensor | None]] = []

    def of(self, bags: Bags, device: torch.device) -> Tensor | None:
        """Features of all bags, (sum of T, D), or None where they do not fit."""
        for known, table in self.kept:
            if (known.store, known.streams, known.videos) == (bags.store, bags.streams, bags.videos):
                return table
        self.kept.append((bags, resident(bags, device)))
        return self.kept[-1][1]


def train(trainer: Trainer, own: Lane, table: Tensor | None, step: Step) -> Running:
    """Train a network in its lane, on features (sum of T, D) that stay on the device or, without, are sent along."""
    training, total = trainer.settings.training, len(trainer.steps)
    most = longest(trainer.bags.lengths, training.snippets)
    feed = Feed(trainer.bags, training.batch_videos, most, table, trainer.device)
    history = torch.zeros(total, len(trainer.model.loss_names), device=trainer.device)
    done = torch.zeros(1, dtype=torch.int64, device=trainer.device)
    half = computes_in_half(trainer.device)

    def update(length: int) -> None:
        batch = feed.batch(length)
        with tensor_cores(half):
            with torch.autocast("cuda", torch.bfloat16, enabled=half):
                scores = trainer.model(batch.x.bfloat16() if half else batch.x.float(), batch.mask)
            (terms,) = trainer.update([Scored(single(scores) if half else scores, batch.mask, batch.labels)], done[0] / total)
        history.index_copy_(0, done, torch.stack(terms)[None])
        done.add_(1)

    told = 0

    def loss() -> float:
        nonlocal told
        own.wait()
        begin, told = told, count
        return trainer.loss(history[begin:count])

    draws = trainer.draws()
    for count in range(1, total + 1):
        with own:
            if (count - 1) % feed.chunk == 0:
                chunk = list(islice(draws, feed.chunk))
                feed.fill(chunk)
            longest_bag = max(map(len, chunk[(count - 1) % feed.chunk].snippets))
            own.run(update, min(-(-longest_bag // BUCKET) * BUCKET, most))
            trainer.keep(count)
        step(count, total, loss)
        yield
    own.wait()
    return history


def computes_in_half(device: torch.device) -> bool:
    """Whether forward passes compute in bfloat16."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


@contextmanager
def tensor_cores(allowed: bool) -> Iterator[None]:
    """Whether products of float32 matrices may take TF32."""
    before, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def single(scores: Scores) -> Scores:
    """Scores in float32."""
    fields = {name: getattr(scores, name).float() for name in Scores._fields if name != "terms"}
    return Scores(terms={name: value.float() for name, value in scores.terms.items()}, **fields)
