"""Learning from video-level labels in small pictures: bag and mask, top-k pooling, attention, background class.

A lesson is a pair: a function of a tiny case that returns the numbers, computed by the package's own blocks, and a function
that draws them. The cases stand in notebooks/00_tour.ipynb, where a reader can change them. Pictures are narrow, so that
their text is readable on a phone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import seaborn as sns
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wstal.data.bags import Batch
from wstal.nn import hybrid, pooling, suppression
from wstal.report.plots import ACTION, FOREGROUND, INK, PALE, head, legend

WIDTH = 5.2  # inches of every picture
HATCH: dict[str, Any] = {"facecolor": "none", "edgecolor": PALE, "hatch": "////", "lw": 0}
SHADES = (PALE, "#7fa8c9", FOREGROUND, INK)  # of lines in an order, the last one sharpest


def steps(axis: Axes, values: np.ndarray, edges: np.ndarray | None = None, **look: Any) -> None:
    """A curve (T,) that is constant between boundaries (T + 1,): those given, or 0..T."""
    edges = np.arange(len(values) + 1) if edges is None else edges
    axis.stairs(values, edges, **look)
    axis.set_xlim(edges[0], edges[-1])


def unit(edges: np.ndarray | None) -> str:
    """Label of the axis of time: boundaries (T + 1,) that are given are seconds, others count snippets."""
    return "snippet" if edges is None else "time (s)"


@dataclass(frozen=True)
class Bag:
    """A padded batch of B videos, T snippets, C classes."""

    norm: np.ndarray  # (B, T) length of each snippet's feature vector; nan in the padding
    labels: np.ndarray  # (B, C) bool, which classes a video shows
    classes: tuple[str, ...]

    @property
    def snippets(self) -> np.ndarray:
        """Real snippets of each bag: (B,)."""
        return (~np.isnan(self.norm)).sum(1)


def bag(batch: Batch, classes: Sequence[str]) -> Bag:
    """What a method sees of a batch."""
    norm = torch.where(batch.mask, batch.x.norm(dim=-1), torch.nan)
    return Bag(norm.numpy(), batch.labels.numpy() > 0, tuple(classes))


def draw_bag(bag: Bag) -> Figure:
    """A row a video: its snippets, the padding, and what its label says."""
    figure, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.45 * len(bag.norm)), layout="constrained")
    count, length = bag.norm.shape
    axis.imshow(bag.norm, aspect="auto", cmap="Blues", extent=(0, length, count - 0.5, -0.5), interpolation="nearest")
    for row, (real, shown) in enumerate(zip(bag.snippets, bag.labels, strict=True)):
        axis.barh(row, length - real, left=real, height=1, **HATCH)
        names = [name for name, label in zip(bag.classes, shown, strict=True) if label]
        axis.text(length * 1.02, row, "\n".join(names), va="center", color=INK, size="small")
    axis.hlines(np.arange(1, count) - 0.5, 0, length, color="white", lw=3)
    axis.set(yticks=range(count), yticklabels=[f"video {row + 1}" for row in range(count)], xlabel="snippet")
    axis.spines[:].set_visible(False)
    axis.tick_params(left=False)
    head(figure, "A batch of bags: snippets, padding (hatched), labels")
    return figure


@dataclass(frozen=True)
class Pooled:
    """Video-level scores as means of the k largest snippets."""

    scores: np.ndarray  # (C, T) of each class and snippet
    mask: np.ndarray  # (T,) bool, True = real snippet
    k: int
    chosen: np.ndarray  # (C, T) bool, the pooled snippets
    top: np.ndarray  # (C,) mean over them
    mean: np.ndarray  # (C,) mean over all real snippets


def pool(scores: np.ndarray, mask: np.ndarray, ratio: int) -> Pooled:
    """One in `ratio` snippets makes the score of a class. scores (C, T), mask (T,) bool."""
    values, real = torch.from_numpy(scores)[None], torch.from_numpy(mask)[None]
    k = pooling.share(real.sum(-1), ratio)
    chosen = torch.cat([pooling.largest(row[None], real, k) for row in values[0]])
    top, mean = (pooling.topk_mean(values, real, size, len(mask))[0] for size in (k, real.sum(-1)))
    return Pooled(scores, mask, int(k), chosen.numpy(), top.numpy(), mean.numpy())


def draw_pool(pooled: Pooled, names: Sequence[str]) -> Figure:
    """A panel a class: its snippets, the pooled ones in colour, and the two means."""
    figure, axes = plt.subplots(
        len(names), 1, figsize=(WIDTH, 0.9 + 1.35 * len(names)), layout="constrained", sharex=True, sharey=True, squeeze=False
    )
    length = len(pooled.mask)
    for axis, name, values, chosen, top, mean in zip(
        axes[:, 0], names, pooled.scores, pooled.chosen, pooled.top, pooled.mean, strict=True
    ):
        axis.bar(np.arange(length) + 0.5, values, width=0.9, color=np.where(chosen, ACTION, PALE))
        axis.axvspan(pooled.mask.sum(), length, **HATCH)
        axis.axhline(top, color=ACTION, lw=1.6, label=f"mean of the {pooled.k} largest")
        axis.axhline(mean, color=INK, lw=1.2, ls="--", label="mean of all real snippets")
        axis.set(title=f"{name}: top-{pooled.k} {top:.2f}, mean {mean:.2f}", xlim=(0, length))
    axes[-1, 0].set_xlabel("snippet, padding hatched")
    figure.supylabel("class score", size="medium")
    legend(figure, axes[0, 0], columns=2)
    sns.despine(figure)
    return figure


@dataclass(frozen=True)
class AttentionPooled:
    """Video-level scores as sums that an attention weighs, for N temperatures."""

    foreground: np.ndarray  # (T,) foreground score of each snippet
    temperatures: tuple[float, ...]  # N
    weight: np.ndarray  # (N, T) attention, a row sums to one
    score: np.ndarray  # (N, C) video-level class scores


def attend(foreground: np.ndarray, scores: np.ndarray, temperatures: Sequence[float]) -> AttentionPooled:
    """FAC-Net Eq. (9): softmax over time of τ times the foreground score. foreground (T,), scores (C, T)."""
    activation, x = torch.from_numpy(foreground)[None, None], torch.from_numpy(scores.T)[None]
    weight = hybrid.attention(
        activation, torch.ones(1, len(foreground), dtype=torch.bool), torch.tensor(temperatures)
    )  # (1, N, 1, T)
    score = hybrid.aggregate(weight.to(x.dtype), x)  # (1, N, 1, C)
    return AttentionPooled(foreground, tuple(temperatures), weight[0, :, 0].numpy(), score[0, :, 0].numpy())


def draw_attend(attended: AttentionPooled, names: Sequence[str]) -> Figure:
    """Foreground score above, the attention of each temperature below, with the video-level scores it leads to."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(WIDTH, 4.2), layout="constrained", sharex=True, height_ratios=(1, 2))
    steps(above, attended.foreground, color=FOREGROUND, fill=True, alpha=0.35)
    above.set(title="foreground score")
    shades = SHADES[-len(attended.temperatures) :]
    for tau, weight, score, shade in zip(attended.temperatures, attended.weight, attended.score, shades, strict=True):
        text = ", ".join(f"{name} {value:.2f}" for name, value in zip(names, score, strict=True))
        steps(below, weight, color=shade, lw=1.8, label=f"τ = {tau:g}: {text}")
    below.set(title="attention: weights that sum to one", xlabel="snippet", ylim=(0, None))
    legend(figure, below, columns=1)
    sns.despine(figure)
    return figure


@dataclass(frozen=True)
class Background:
    """BaS-Net's two branches over one video: the whole of it, and what a filter leaves."""

    cas: np.ndarray  # (T, C + 1) class activation sequence, background last
    weight: np.ndarray  # (T,) filter λ
    base: np.ndarray  # (C + 1,) class probabilities of the whole video
    supp: np.ndarray  # (C + 1,) of the filtered one
    target_base: np.ndarray  # (C + 1,) what the label asks of the base branch: background occurs
    target_supp: np.ndarray  # (C + 1,) what it asks of the suppressed branch: background does not
    losses: dict[str, float]  # base, supp, norm


def background(cas: np.ndarray, weight: np.ndarray, labels: np.ndarray, top: int) -> Background:
    """Both branches for a network that is linear, so that filtered snippets have filtered scores.

    cas (T, C + 1), weight (T,), labels (C,) multi-hot; a video-level score is the mean of one in `top` snippets.
    """
    mask, kept = torch.ones(1, len(cas), dtype=torch.bool), torch.from_numpy(weight)[None]
    label, sequence = torch.from_numpy(labels)[None], torch.from_numpy(cas)[None]
    terms = {
        "base": suppression.log_score(sequence, mask, top),
        "supp": suppression.log_score(kept[..., None] * sequence, mask, top),
        "weight": kept,
    }
    losses = suppression.losses("cross_entropy", terms, label, mask)
    shown, hidden = (suppression.target(torch.nn.functional.pad(label, (0, 1), value=one))[0].numpy() for one in (1.0, 0.0))
    return Background(
        cas, weight, terms["base"][0].exp().numpy(), terms["supp"][0].exp().numpy(), shown, hidden,
        {name: float(loss) for name, loss in losses.items()},
    )  # fmt: skip


def draw_background(lesson: Background, names: Sequence[str]) -> Figure:
    """Class scores and filter above; below, probabilities of both branches against what the label asks."""
    figure, (above, *below) = plt.subplots(3, 1, figsize=(WIDTH, 5.4), layout="constrained", height_ratios=(2.2, 1, 1))
    names = (*names, "background")
    for values, name, colour, dash in zip(lesson.cas.T, names, (ACTION, PALE, INK), ("-", "-", "--"), strict=True):
        steps(above, values, color=colour, ls=dash, lw=1.6, label=name)
    steps(above, lesson.weight * lesson.cas.max(), color=FOREGROUND, fill=True, alpha=0.2, label="filter λ")
    above.set(title="class scores of the snippets, and a filter λ", xlabel="snippet")
    branches = zip(("base", "supp"), (lesson.base, lesson.supp), (lesson.target_base, lesson.target_supp), below, strict=True)
    for name, probability, target, axis in branches:
        axis.barh(names, probability, color=(ACTION, PALE, INK), height=0.6)
        axis.plot(target, names, "|", ms=16, mew=2.5, color=FOREGROUND, label="what the label asks")
        kind = "whole video" if name == "base" else "filtered video"
        axis.set(title=f"{kind}: loss {name} {lesson.losses[name]:.2f}", xlim=(-0.02, 1.02), ylim=(2.6, -0.6))
    below[0].set_xticklabels([])
    below[1].set_xlabel("probability of the class")
    handles = [handle for axis in (above, below[0]) for handle in axis.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    sns.despine(figure)
    return figure
