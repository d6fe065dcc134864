"""What a dataset holds, in numbers and pictures, beside what was published of it or of the dataset that it imitates."""

from collections import Counter
from collections.abc import Mapping

import msgspec
import numpy as np
from matplotlib.figure import Figure

from wstal import published
from wstal.base.paths import Tree
from wstal.base.types import Annotations
from wstal.config.parameters import lookup
from wstal.config.plan import DatasetPlan
from wstal.data.prepared import Prepared
from wstal.published.records import Statistics, Subset
from wstal.report.cells import number
from wstal.report.figure_dataset import Distributions, distributions
from wstal.report.figure_snippets import Similarity, cosines
from wstal.report.tables import Table

SUBSETS = ("train", "test")
PRINTED = {  # quantity of `of_videos` -> its published mean
    "video length (s)": "mean_video_s", "instances a video": "instances_a_video",
    "instance length (s)": "mean_instance_s", "background": "background",
}  # fmt: skip


def of_videos(annotations: Annotations, subset: str) -> dict[str, np.ndarray]:
    """Of the N videos of a subset, (N,) each: seconds, instances, share of background, classes; and (M,) instance lengths."""
    videos = [video for video in annotations.videos if video.subset == subset]
    times: dict[str, list[tuple[float, float]]] = {video.id: [] for video in annotations.videos}
    for segment in annotations.segments:
        times[segment.video].append((segment.start_s, segment.end_s))
    return {
        "video length (s)": np.array([video.duration_s for video in videos]),
        "instances a video": np.array([float(len(times[video.id])) for video in videos]),
        "instance length (s)": np.array([end - start for video in videos for start, end in times[video.id]]),
        "background": np.array([1 - covered(times[video.id]) / video.duration_s for video in videos]),
        "classes a video": np.array([float(len(video.labels)) for video in videos]),
    }


def covered(intervals: list[tuple[float, float]]) -> float:
    """Seconds that the union of intervals covers."""
    total, reach = 0.0, -np.inf
    for start, end in sorted(intervals):
        total += max(end - max(start, reach), 0.0)
        reach = max(reach, end)
    return total


def known(plan: DatasetPlan) -> Statistics | None:
    """What was published of the dataset that `statistics` of its section names; None if it names none.

    Raises:
        UserError: wstal/published has no such dataset.
    """
    name = plan.features.statistics
    return lookup(published.statistics(), name, "wstal/published") if name else None


def table(annotations: Annotations, name: str, known: Statistics | None) -> Table:
    """Statistics of each subset, beside those published."""
    rows = []
    for subset in SUBSETS:
        own, theirs = of_videos(annotations, subset), getattr(known, subset, None)
        for quantity, ours, printed, form in quantities(own, theirs, known.two_classes if known else None):
            rows.append((subset, quantity, number(ours, form), number(printed, form)))
    if not known:
        caption = "Nothing published is named beside it: `statistics` in params.yaml would."
        return Table(name, caption, ("subset", "quantity", name), tuple(row[:3] for row in rows))
    caption = f"{known.title}: {known.source}; of videos with several classes, the share over both subsets."
    return Table(f"{name} beside {known.title}", caption, ("subset", "quantity", name, known.title), tuple(rows))


def quantities(
    own: Mapping[str, np.ndarray], theirs: Subset | None, two_classes: float | None
) -> list[tuple[str, float, float | None, str]]:
    """(name, ours, published, format) of every quantity of a subset; own: (N,) arrays, as `of_videos` returns."""
    length, count = own["video length (s)"], own["instances a video"]
    rate, long_s = (theirs.instances_a_video, theirs.mean_video_s) if theirs else (None, None)
    printed = msgspec.structs.asdict(theirs) if theirs else {}
    return [
        ("videos", len(length), printed.get("videos"), "d"),
        ("instances", int(count.sum()), printed.get("instances"), "d"),
        ("mean video length (s)", length.mean(), long_s, ".1f"),
        ("instances a video", count.mean(), rate, ".1f"),
        ("instances a minute", 60 * count.sum() / length.sum(), rate and long_s and 60 * rate / long_s, ".2f"),
        ("mean instance length (s)", own["instance length (s)"].mean(), printed.get("mean_instance_s"), ".2f"),
        ("mean share of background", own["background"].mean(), printed.get("background"), ".3f"),
        ("videos with several classes", (own["classes a video"] > 1).mean(), two_classes, ".3f"),
    ]


def figure(annotations: Annotations, known: Statistics | None) -> Figure:
    """Distributions over the training videos, with the published means."""
    return training_videos(annotations, known).draw()


def training_videos(annotations: Annotations, known: Statistics | None) -> Distributions:
    """What `figure` draws."""
    own = of_videos(annotations, "train")
    own.pop("classes a video")
    printed = {name: getattr(known.train, key) for name, key in PRINTED.items()} if known else {}
    return distributions(own, {name: mean for name, mean in printed.items() if mean is not None})


def per_class(annotations: Annotations) -> Table:
    """Videos and instances of each class, by subset."""
    subset = {video.id: video.subset for video in annotations.videos}
    videos = Counter((video.subset, label) for video in annotations.videos for label in video.labels)
    instances = Counter((subset[segment.video], segment.label) for segment in annotations.segments)
    rows = [
        (label, *[str(counts[part, label]) for part in SUBSETS for counts in (videos, instances)])
        for label in annotations.classes
    ]
    header = ("class", "training videos", "training instances", "test videos", "test instances")
    return Table("Classes", "A video counts for each of its classes.", header, tuple(rows))


def similarity(plan: DatasetPlan, tree: Tree) -> Figure:
    """Cosine similarity between the snippets of the first training video, a panel a stream."""
    return similarities(plan, tree).draw()


def similarities(plan: DatasetPlan, tree: Tree) -> Similarity:
    """What `similarity` draws."""
    data = Prepared.of(tree, plan.name, 0)
    store, video = data.store, next(video for video in data.labels.videos if video.subset == "train")
    shown = ", ".join(video.labels)
    maps = {stream: cosines(store.features(stream, video.id)) for stream in plan.features.streams}
    return Similarity({f"{video.id}, {stream}: {shown}": cosine for stream, cosine in maps.items()})
