"""The figure of a dataset: histograms of its quantities, with published means."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal.report.plots import FOREGROUND, FOUND, INK, legend

RANGE = 40  # whole numbers that span less have a bar each


@dataclass(frozen=True)
class Quantity:
    """One quantity of a dataset."""

    name: str
    values: np.ndarray  # (N,)
    published: float | None  # its mean

    @property
    def mean(self) -> float:
        """Our mean."""
        return self.values.mean()

    @property
    def whole(self) -> bool:
        """Whether every value has a bar: whole numbers that lie close together."""
        return bool(np.all(self.values == np.round(self.values))) and np.ptp(self.values) < RANGE

    @property
    def title(self) -> str:
        """Both means."""
        ours = f"mean {self.mean:.2f}"
        return ours if self.published is None else f"{ours}, published {self.published:.2f}"


@dataclass(frozen=True)
class Distributions:
    """A histogram a quantity, with its mean, and the published one where there is one."""

    quantities: tuple[Quantity, ...]

    def draw(self) -> Figure:
        """The figure."""
        count = len(self.quantities)
        figure, axes = plt.subplots(1, count, figsize=(3.4 * count, 3.1), layout="constrained")
        for axis, one in zip(axes, self.quantities, strict=True):
            sns.histplot(one.values, ax=axis, color=FOREGROUND, discrete=one.whole, bins="auto" if one.whole else 20)
            axis.axvline(one.mean, color=INK, label="mean")
            if one.published is not None:
                axis.axvline(one.published, color=FOUND, ls="--", label="published mean")
            axis.set(xlabel=one.name, ylabel="", title=one.title)
        axes[0].set_ylabel("count")
        legend(figure, max(axes, key=lambda axis: len(axis.get_legend_handles_labels()[1])))
        sns.despine(figure)
        return figure


def distributions(own: Mapping[str, np.ndarray], published: Mapping[str, float]) -> Distributions:
    """Quantities {name: values (N,)} beside published means {name: mean}."""
    return Distributions(tuple(Quantity(name, values, published.get(name)) for name, values in own.items()))
