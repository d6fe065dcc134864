"""How near the features of a dataset come to real I3D features: each statistic beside the real one, as a table and a figure."""

from dataclasses import dataclass

import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal import published
from wstal.base.paths import Tree
from wstal.base.types import Annotations
from wstal.config.plan import DatasetPlan
from wstal.data.prepared import Prepared
from wstal.report.cells import number
from wstal.report.feature_measures import MEASURES, measure
from wstal.report.feature_sample import sample
from wstal.report.plots import INK, MARKERS, PALE, head, legend
from wstal.report.tables import Table


@dataclass(frozen=True)
class Likeness:
    """Statistics of each stream's features."""

    dataset: str
    streams: dict[str, dict[str, float]]  # stream -> {name in MEASURES: value}

    def distance(self, stream: str, name: str) -> float:
        """How far a statistic lies from the real one, in bands: within -1 and 1 is near."""
        return (self.streams[stream][name] - real(name)) / MEASURES[name].band

    def draw(self) -> Figure:
        """Distances from the real statistics, a row a statistic."""
        figure, axis = plt.subplots(figsize=(9, 0.32 * len(MEASURES) + 1), layout="constrained")
        rows = range(len(MEASURES))
        axis.axvspan(-1, 1, color=PALE, alpha=0.35, lw=0, label="band")
        axis.axvline(0, color=INK, lw=1, label="real")
        for stream, marker in zip(self.streams, MARKERS, strict=False):
            axis.plot([self.distance(stream, name) for name in MEASURES], rows, marker, ms=5, label=stream)
        axis.set_yticks(rows, [one.title for one in MEASURES.values()])
        axis.invert_yaxis()
        axis.set(xlabel="simulated less real, in bands")
        legend(figure, axis)
        head(figure, f"{self.dataset} beside real I3D features")
        sns.despine(figure)
        return figure

    def table(self) -> Table:
        """Every statistic beside the real one and the band around it."""
        known, rows = published.i3d_features(), []
        for name, one in MEASURES.items():
            values = [known.full[name], known.narrow[name], *(found[name] for found in self.streams.values())]
            aim = "128" if one.narrow else "all"
            rows.append((one.title, *(number(value, one.form) for value in values), f"± {one.band:g} of {aim}"))
        header = ("statistic", "real, all 1024", "real, 128 of them", *self.streams, "band")
        return Table(f"{self.dataset} beside real I3D features", f"{known.title}: {known.source}.", header, tuple(rows))


def real(name: str) -> float:
    """The real statistic that a simulated one is held against."""
    known = published.i3d_features()
    return (known.narrow if MEASURES[name].narrow else known.full)[name]


def likeness(plan: DatasetPlan, tree: Tree, annotations: Annotations) -> Likeness:
    """Statistics of a prepared dataset, each of whose videos is in one piece."""
    store, section, streams = Prepared.of(tree, plan.name, 0).store, plan.features, {}
    for stream in section.streams:
        features = {video.id: store.features(stream, video.id) for video in annotations.videos}
        streams[stream] = measure(sample(annotations, features, section.grids.get(stream, section.grid), {}))
    return Likeness(plan.name, streams)
