"""Looking into trained models: videos chosen by a stated rule, their score curves, and snippet embeddings."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from wstal import published
from wstal.base.errors import UserError
from wstal.base.types import Truth
from wstal.data.bags import Bags
from wstal.detect import detections
from wstal.evaluation.judging import Judging
from wstal.report.cells import number
from wstal.report.claims import Claim
from wstal.report.figure_video import VideoPanels, panel
from wstal.training import experiment
from wstal.training.experiment import Run
from wstal.training.predict import forward, predict

RULES = {"sparsest": 0.0, "median": 0.5, "densest": 1.0}  # position among the videos sorted by instances a minute


def choose(judging: Judging[Run], label: str, rule: str) -> str:
    """The test video of a class with the fewest, the median or the most instances a minute, of the first seed; ties by name.

    Videos that show this class alone come first; only where there is none (every cliff dive of THUMOS14 is a dive as
    well) are all videos of the class looked at.

    Raises:
        UserError: no test video shows the class.
    """
    truth, durations_s = judging.truth_of(judging.runs[0]), judging.runs[0].data.durations_s()
    index = truth.labels.index(label)
    shown = {v: set(truth.label[truth.video == v]) for v in np.unique(truth.video[truth.label == index])}
    alone = [v for v, labels in shown.items() if labels == {index}]
    if not shown:
        raise UserError(f"no test video shows {label!r}; name another class in the notebook.")
    ranked = sorted(
        (float(((truth.video == v) & (truth.label == index)).sum()) / durations_s[truth.videos[v]], truth.videos[v])
        for v in alone or shown
    )
    return ranked[round(RULES[rule] * (len(ranked) - 1))][1]


def row(judging: Judging[Run], name: str) -> Run:
    """The run of row `name` with the first seed.

    Raises:
        UserError: the entry has no such row here.
    """
    found = [run for run in judging.runs if run.row == name]
    if not found:
        there = ", ".join(dict.fromkeys(run.row for run in judging.runs))
        raise UserError(f"there is no row {name!r} here; name one of {there} in the notebook.")
    return found[0]


def one_video(run: Run, network: str, video: str) -> Bags:
    """The bags of one network of a run, cut down to one test video."""
    test = run.data.bags(run.networks[network], "test")
    keep = test.videos.index(video)
    return Bags(test.store, test.streams, [video], test.labels[keep : keep + 1].numpy())


def compare(judging: Judging[Run], names: Mapping[str, str], label: str, rule: str, network: str) -> Figure:
    """Score curves of the video that `choose` picks, under several rows {row: its title}, from one stream's network.

    Detections are those of the whole system, both streams fused.
    """
    return compared(judging, names, label, rule, network).draw()


def compared(judging: Judging[Run], names: Mapping[str, str], label: str, rule: str, network: str) -> VideoPanels:
    """What `compare` draws."""
    video, truth = choose(judging, label, rule), judging.truth_of(judging.runs[0])
    wanted = truth.labels.index(label)
    inside = (truth.video == truth.videos.index(video)) & (truth.label == wanted)
    truth_s = np.stack([truth.start_s[inside], truth.end_s[inside]], axis=1)
    panels = []
    for name, title in names.items():
        run = row(judging, name)
        bags = one_video(run, network, video)
        scores = predict(experiment.load(run, network), bags)[video]
        panels.append(panel(title, scores, wanted, detected(run, video, label), bags.grid))
    instances, length_s = len(truth_s), judging.runs[0].data.durations_s()[video]
    title = (
        f"{label}, {video}: {instances} instance{'s' * (instances != 1)} in {length_s:.0f} s; curves of the {network} stream"
    )
    return VideoPanels(title, truth_s, tuple(panels))


def detected(run: Run, video: str, label: str) -> np.ndarray:
    """Detections of a run in one video and class: (N, 3) start_s, end_s, score, lowest score first."""
    found = detections.read_json(run.predictions())
    if video not in found.videos or label not in found.labels:
        return np.zeros((0, 3))
    chosen = (found.video == found.videos.index(video)) & (found.label == found.labels.index(label))
    columns = np.stack([found.start_s[chosen], found.end_s[chosen], found.score[chosen]], axis=1)
    return columns[np.argsort(columns[:, 2], kind="stable")]


def embed(run: Run, truth: Truth, network: str, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of every `every`-th snippet of the test videos (N, H), and whether each is foreground (N,) bool.

    A snippet is foreground when its centre lies in an action instance of any class.
    """
    test = run.data.bags(run.networks[network], "test")
    grid, points, inside = test.grid, [], []
    for video, scores in forward(experiment.load(run, network), test):
        x = scores.embedding[0].double().cpu().numpy()
        centres = grid.seconds(np.arange(len(x)) + 0.5)[:, None]
        own = truth.video == truth.videos.index(video)
        points.append(x)
        inside.append(((centres >= truth.start_s[own]) & (centres < truth.end_s[own])).any(1))
    return np.concatenate(points)[::every], np.concatenate(inside)[::every]


def tsne(points: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE map of (N, H) embeddings, directions only, as the networks compare by cosine: (N, 2)."""
    unit = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    return TSNE(init="pca", random_state=seed, n_jobs=1).fit_transform(np.round(unit, 4))


def purity(points: np.ndarray, foreground: np.ndarray, neighbours: int = 10) -> float:
    """How well foreground (N,) bool and background separate in embeddings (N, H), in percent: 50 is chance, 100 all.

    The balanced share of a snippet's nearest neighbours, by cosine, that are of its own kind.
    """
    near = NearestNeighbors(n_neighbors=neighbours + 1, metric="cosine").fit(points).kneighbors(return_distance=False)
    same = (foreground[near] == foreground[:, None]).mean(1)
    return 50 * float(same[foreground].mean() + same[~foreground].mean())


def separation(judging: Judging[Run], better: str, worse: str, network: str, every: int) -> Claim:
    """Whether row `better` separates foreground from background better than row `worse`, paired over the seeds."""
    found = {
        name: np.array([purity(*embed(run, judging.truth_of(run), network, every)) for run in judging.runs if run.row == name])
        for name in (better, worse)
    }
    means = " against ".join(number(values.mean()) for values in found.values())
    names = (published.label(judging.entry, name) for name in (better, worse))
    return Claim(f"{' separates better than '.join(names)}: {means}", "purity", found[better] - found[worse])
