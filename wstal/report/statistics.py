"""What a dataset holds, in numbers and pictures, beside what was published of it or of the dataset that it imitates."""

from collections import Counter

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal import published
from wstal.base.paths import Tree
from wstal.base.types import Annotations
from wstal.config.parameters import lookup
from wstal.config.plan import DatasetPlan
from wstal.data.prepared import Prepared
from wstal.report import plots
from wstal.report.tables import Table


def of_videos(annotations: Annotations, subset: str) -> dict[str, np.ndarray]:
    """Per video of a subset: length in seconds, number of instances, share of background, number of classes."""
    videos = [video for video in annotations.videos if video.subset == subset]
    times = {video.id: [] for video in annotations.videos}
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


def known(plan: DatasetPlan) -> dict:
    """What was published of the dataset that `statistics` of its section names; {} if it names none."""
    name = plan.features.statistics
    return lookup(published.statistics(), name, "wstal/published") if name else {}


def table(annotations: Annotations, name: str, known: dict) -> Table:
    """Statistics of each subset, beside those published."""
    rows = []
    for subset in ("train", "test"):
        own, theirs = of_videos(annotations, subset), known.get(subset, {})
        length, count = own["video length (s)"], own["instances a video"]
        rate, long_s = theirs.get("instances_a_video"), theirs.get("mean_video_s")
        values = {
            "videos": (len(length), theirs.get("videos"), "d"),
            "instances": (int(count.sum()), theirs.get("instances"), "d"),
            "mean video length (s)": (length.mean(), long_s, ".1f"),
            "instances a video": (count.mean(), rate, ".1f"),
            "instances a minute": (60 * count.sum() / length.sum(), rate and long_s and 60 * rate / long_s, ".2f"),
            "mean instance length (s)": (own["instance length (s)"].mean(), theirs.get("mean_instance_s"), ".2f"),
            "mean share of background": (own["background"].mean(), theirs.get("background"), ".3f"),
            "videos with several classes": ((own["classes a video"] > 1).mean(), known.get("two_classes"), ".3f"),
        }
        rows += [(subset, quantity, *(written(x, how) for x in pair)) for quantity, (*pair, how) in values.items()]
    if not known:
        caption = "Nothing published is named beside it: `statistics` in params.yaml would."
        return Table(name, caption, ("subset", "quantity", name), tuple(row[:3] for row in rows))
    caption = f"{known['title']}: {known['source']}; of videos with several classes, the share over both subsets."
    return Table(f"{name} beside {known['title']}", caption, ("subset", "quantity", name, known["title"]), tuple(rows))


def written(value: float | None, how: str) -> str:
    """A number in the format `how`; a dash where nothing is published."""
    return "–" if value is None else format(value, how)


def figure(annotations: Annotations, known: dict) -> Figure:
    """Distributions over the training videos, with the published means."""
    own, theirs = of_videos(annotations, "train"), known.get("train", {})
    names = {"video length (s)": "mean_video_s", "instances a video": "instances_a_video"}
    names |= {"instance length (s)": "mean_instance_s", "background": "background"}
    own.pop("classes a video")
    return plots.distributions(own, {name: theirs[key] for name, key in names.items() if theirs.get(key) is not None})


def per_class(annotations: Annotations) -> Table:
    """Videos and instances of each class, by subset."""
    subset = {video.id: video.subset for video in annotations.videos}
    videos = Counter((video.subset, label) for video in annotations.videos for label in video.labels)
    instances = Counter((subset[segment.video], segment.label) for segment in annotations.segments)
    rows = [
        (label, *[str(counts[part, label]) for part in ("train", "test") for counts in (videos, instances)])
        for label in annotations.classes
    ]
    header = ("class", "training videos", "training instances", "test videos", "test instances")
    return Table("Classes", "A video counts for each of its classes.", header, tuple(rows))


def similarity(plan: DatasetPlan, tree: Tree) -> Figure:
    """Cosine similarity between the snippets of the first training video, a panel a stream."""
    data, streams = Prepared.of(tree, plan.name), plan.features.streams
    store, video = data.store, data.labels.subset("train")[0]
    drawing, axes = plt.subplots(1, len(streams), figsize=(4.5 * len(streams), 3.8), layout="constrained", squeeze=False)
    for axis, stream in zip(axes[0], streams, strict=True):
        x = store.features(stream, video.id).astype(np.float64)
        x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
        sns.heatmap(x @ x.T, ax=axis, cmap="mako", vmin=0, vmax=1, square=True, xticklabels=40, yticklabels=40)
        axis.set(title=f"{video.id}, {stream}: {', '.join(video.labels)}", xlabel="snippet", ylabel="snippet")
    return drawing
