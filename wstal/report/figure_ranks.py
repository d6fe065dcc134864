"""The figure of two rankings side by side: a line a method."""

from dataclasses import dataclass

import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal.report.plots import FOREGROUND, FOUND, INK, head


@dataclass(frozen=True)
class Ranks:
    """Ranks of R methods, 1 uppermost: published on the left, ours on the right; who falls is red."""

    title: str
    labels: tuple[str, ...]
    published: tuple[int, ...]  # (R,)
    ours: tuple[int, ...]  # (R,)

    def draw(self) -> Figure:
        """The figure."""
        figure, axis = plt.subplots(figsize=(6.4, 1.2 + 0.3 * len(self.labels)), layout="constrained")
        for label, left, right in zip(self.labels, self.published, self.ours, strict=True):
            color = FOUND if right > left else FOREGROUND if right < left else INK
            axis.plot([0, 1], [left, right], "o-", color=color)
            axis.text(-0.04, left, f"{label}  {left}", ha="right", va="center")
            axis.text(1.04, right, f"{right}  {label}", ha="left", va="center")
        axis.set(xlim=(-0.9, 1.9), ylim=(len(self.labels) + 0.6, 0.4), yticks=[])
        axis.set_xticks([0, 1], ["published", "here"])
        axis.xaxis.tick_top()
        axis.tick_params(length=0)
        head(figure, self.title)
        sns.despine(figure, left=True, bottom=True)
        return figure
