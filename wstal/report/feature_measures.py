"""Statistics of snippet features, the same functions for simulated and for real ones. `measure` gives those of `MEASURES`."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import special, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from wstal.report.feature_sample import Sample

PAIRS = 20_000  # pairs of snippets that a mean over pairs draws
SPECTRUM = slice(3, 60)  # components, the strongest first, over which the spectrum's exponent is fitted
RIDGE = 1e-3  # of the linear classifiers, on features of unit deviation


@dataclass(frozen=True)
class Measure:
    """A statistic: what it is called, and how far a simulated one may lie from the real one."""

    title: str
    band: float
    form: str = ".2f"
    narrow: bool = False  # whether it hangs on the number of dimensions, and so is held against that of 128 real ones


MEASURES = {  # the band of persistence is wide, as the real films are single shots and what is simulated has cuts
    "mean": Measure("mean of all values", 0.04),
    "mean_norm": Measure("norm of the mean feature over the root mean square norm", 0.03),
    "cosine": Measure("cosine of snippets of different videos", 0.04),
    "spread": Measure("coefficient of variation, median over dimensions", 0.08),
    "skew": Measure("skewness, median over dimensions", 0.4, ".1f"),
    "kurtosis": Measure("excess kurtosis, median over dimensions", 1.5, ".1f"),
    "dimensions": Measure("log-deviation of the dimensions' means", 0.08),
    "zeros": Measure("zeros (%)", 1.0, ".1f"),
    "exponent": Measure("exponent of the spectrum, components 4 to 60", 0.12, narrow=True),
    "participation": Measure("participation ratio of the spectrum", 8.0, ".0f", narrow=True),
    "within": Measure("variance within a stretch of one label and footage", 0.08),
    "neighbours": Measure("correlation of log features 0.64 s apart in a video, same label", 0.05),
    "persistence": Measure("correlation of log features 5 to 15 s apart in a video, same label", 0.16),
    "accuracy": Measure("accuracy of a linear classifier of actions (%)", 5.0, ".0f"),
    "actionness": Measure("area under the ROC curve of a linear classifier of actionness", 0.03),
    "middle": Measure("probability of the right class, middle half of an instance", 0.06),
    "outer": Measure("probability of the right class, outer quarters", 0.06),
    "instances": Measure("its standard deviation between instances", 0.05),
    "class_spread": Measure("cosine of mean features of two classes, standard deviation", 0.06),
    "class_top": Measure("cosine of mean features of two classes, largest", 0.12),
}


def measure(sample: Sample, seed: int = 0) -> dict[str, float]:
    """{name in MEASURES: value} of a dataset's snippets; `seed` draws the pairs that means over pairs are of."""
    rng = np.random.default_rng(seed)
    parts = (
        common(sample, rng), marginals(sample), spectrum(sample), persistence(sample), separability(sample), classes(sample)
    )  # fmt: skip
    found = {name: value for part in parts for name, value in part.items()}
    return {name: float(found[name]) for name in MEASURES}


def common(sample: Sample, rng: np.random.Generator) -> dict[str, float]:
    """How much of a feature all snippets share."""
    x, many = sample.x, len(sample.x)
    size = np.sqrt((x**2).sum(1).mean())
    a, b = rng.integers(many, size=(2, 2 * PAIRS))
    apart = sample.video[a] != sample.video[b]
    u, v = unit(x[a[apart]]), unit(x[b[apart]])
    return {"mean_norm": np.linalg.norm(x.mean(0)) / size, "cosine": float((u * v).sum(1).mean())}


def marginals(sample: Sample) -> dict[str, float]:
    """The distribution of single values."""
    x = sample.x.astype(np.float64)
    mean = x.mean(0)
    shown = x[:, mean > 0]
    return {
        "mean": float(mean.mean()),
        "spread": float(np.median(shown.std(0) / shown.mean(0))),
        "skew": float(np.median(stats.skew(shown, axis=0))),
        "kurtosis": float(np.median(stats.kurtosis(shown, axis=0))),
        "dimensions": float(np.log(shown.mean(0)).std()),
        "zeros": 100 * float((x == 0).mean()),
    }


def spectrum(sample: Sample) -> dict[str, float]:
    """How the variance spreads over directions, and how much of it lies within stretches of one label."""
    centred = sample.x - sample.x.mean(0)
    power = np.linalg.eigvalsh(np.cov(centred.T))[::-1].clip(1e-12)
    rank = np.arange(1, len(power) + 1)
    slope = np.polyfit(np.log(rank[SPECTRUM]), np.log(power[SPECTRUM]), 1)[0]
    rest = centred - means(centred, sample.piece)[sample.piece]
    return {
        "exponent": -float(slope),
        "participation": float(power.sum() ** 2 / (power**2).sum()),
        "within": float((rest**2).sum() / (centred**2).sum()),
    }


def persistence(sample: Sample) -> dict[str, float]:
    """How alike snippets of one label stay in an unedited video: of log features, about their mean over all videos."""
    logs = np.log(sample.x + sample.x.mean() / 50)
    own = (logs - logs.mean(0))[sample.unedited]
    kind = np.stack([sample.video, sample.label])[:, sample.unedited]
    power, step_s = float((own**2).sum(1).mean()), sample.step_s
    far = range(round(5 / step_s), round(15 / step_s) + 1)
    return {"neighbours": lagged(own, kind, [round(0.64 / step_s)]) / power, "persistence": lagged(own, kind, far) / power}


def lagged(z: np.ndarray, kind: np.ndarray, lags_t: Iterable[int]) -> float:
    """Mean product of rows (N, D) that are so many rows apart and of one kind, (K, N)."""
    total, count = 0.0, 0
    for lag in lags_t:
        same = (kind[:, :-lag] == kind[:, lag:]).all(0)
        total += float((z[:-lag][same] * z[lag:][same]).sum())
        count += int(same.sum())
    return total / max(count, 1)


def separability(sample: Sample) -> dict[str, float]:
    """What linear classifiers that see the labels of training snippets find in test videos."""
    train, test, action = sample.train, ~sample.train, sample.action
    scale = sample.x[train].std(0) + 1e-6
    x = (sample.x - sample.x[train].mean(0)) / scale * 8 / np.sqrt(sample.x.shape[1])
    found = fitted(x[train & action], sample.label[train & action])
    right = found.predict(x[test & action]) == sample.label[test & action]
    accuracy = np.mean([right[sample.label[test & action] == one].mean() for one in np.unique(sample.label[test & action])])
    acts = fitted(x[train], action[train].astype(int)).decision_function(x[test])
    everything = fitted(x[train], sample.label[train])
    chance = special.softmax(everything.decision_function(x[test & action]), axis=1)
    column = np.searchsorted(everything.classes_, sample.label[test & action])
    of_right = chance[np.arange(len(column)), column]
    middle = np.abs(sample.place[test & action] - 0.5) < 0.25
    _, instance = np.unique(sample.piece[test & action], return_inverse=True)
    long = np.bincount(instance) >= 3
    return {
        "accuracy": 100 * float(accuracy),
        "actionness": auc(acts, action[test]),
        "middle": float(of_right[middle].mean()),
        "outer": float(of_right[~middle].mean()),
        "instances": float((np.bincount(instance, of_right) / np.bincount(instance))[long].std()),
    }


def classes(sample: Sample) -> dict[str, float]:
    """How alike the mean features of classes are, about the mean of all actions."""
    x, label = sample.x[sample.action], sample.label[sample.action]
    _, index = np.unique(label, return_inverse=True)
    mean = unit(means(x, index) - x.mean(0))
    others = (mean @ mean.T)[~np.eye(len(mean), dtype=bool)]
    return {"class_spread": float(others.std()), "class_top": float(others.max())}


def means(x: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Mean of the rows (N, D) of each index (N,): (largest index + 1, D)."""
    total = np.zeros((index.max() + 1, x.shape[1]))
    np.add.at(total, index, x)
    return total / np.maximum(np.bincount(index), 1)[:, None]


def unit(x: np.ndarray) -> np.ndarray:
    """Vectors (..., D) at unit length; those of length 0 stay."""
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def auc(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve of scores (N,) of what is positive (N,)."""
    ranks, many = stats.rankdata(score), positive.sum()
    return float((ranks[positive].sum() - many * (many + 1) / 2) / (many * (len(positive) - many)))


def fitted(x: np.ndarray, label: np.ndarray) -> LogisticRegression:
    """A linear classifier of features (N, D) with labels (N,), in which every class weighs the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=1 / (2 * RIDGE * len(x)), class_weight="balanced", max_iter=60).fit(x, label)
