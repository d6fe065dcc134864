"""`import wstal`: train on one's own videos, localize in others, evaluate. docs/python.md shows each with an example.

The functions do what the commands of the same name do. Bad input is a `wstal.UserError`, whose text is one sentence.
"""

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wstal.app import burn, folders, intervals, located, main_guard, own_videos
from wstal.app.folds import Crossed
from wstal.app.located import Located
from wstal.base import files, paths, progress
from wstal.base.conversion import merge
from wstal.base.errors import UserError as UserError
from wstal.base.types import Detections
from wstal.border import yamlfile
from wstal.config import parameters
from wstal.config.parameters import lookup
from wstal.detect import detections
from wstal.evaluation import evaluate as evaluators
from wstal.evaluation import truth as truths
from wstal.report import timeline
from wstal.training import card as cards

if TYPE_CHECKING:
    import pandas as pd

Files = str | Path | Sequence[str | Path]
Changes = Mapping[str, Any] | str | Path | None  # laid over params.yaml: a mapping, or a YAML file
HEIGHT = 640  # pixels of a page inside a notebook


def train(
    labels: str | Path, videos: str | Path, out: str | Path | None = None, *,
    method: str = "facnet", seed: int = 0, params: Changes = None, replace: bool = False, quiet: bool = False,
) -> "TrainedRun":  # fmt: skip
    """Train on the videos of a table of labels, as `wstal train`.

    Args:
        labels: CSV file with the columns video,label: a line for every action that a video shows.
        videos: folder of the video files.
        out: folder to write the run to; without one it lasts as long as the `TrainedRun`, or until `save`.
        method: a method of params.yaml.
        seed: of training.
        params: laid over params.yaml.
        replace: whether a run that is in `out` may be replaced.
        quiet: draw no progress bars.

    Raises:
        UserError: the table or the parameters do not fit, no video can be used, or `out` exists.
    """
    folder = Path(tempfile.mkdtemp(prefix="wstal."), "run") if out is None else Path(out)
    try:
        with _work(quiet):
            outcome = own_videos.train(
                _settings(params), Path(labels), Path(videos), folder,
                method=method, seed=seed, replace=replace, tell=_silent if quiet else _tell,
            )  # fmt: skip
    except BaseException:
        if out is None:
            shutil.rmtree(folder.parent, ignore_errors=True)
        raise
    run = TrainedRun(folder, outcome.notes, dict(outcome.failures), tuple(outcome.lost), outcome.crossed)
    if out is None:
        weakref.finalize(run, shutil.rmtree, folder.parent, ignore_errors=True)
    return run


def load(folder: str | Path) -> "TrainedRun":
    """A run that `train`, `wstal train` or the pipeline has written.

    Raises:
        UserError: the folder holds none.
    """
    cards.read(Path(folder))
    return TrainedRun(Path(folder))


def evaluate(
    truth: str | Path, predictions: "str | Path | Found", *,
    protocol: str = "activitynet", tious: Sequence[float] | None = None, subset: str | None = None, as_published: bool = False,
) -> "Evaluation":  # fmt: skip
    """Mean average precision of detections, as `wstal evaluate`.

    Args:
        truth: file of ground truth in ActivityNet's layout.
        predictions: file of detections in ActivityNet's layout, or what `TrainedRun.localize` found.
        protocol: a published evaluator: activitynet, thumos-facnet, thumos-wtalc, thumos-wsad or thumos-basnet.
        tious: thresholds of overlap above 0 and at most 1; those of the protocol if there are none.
        subset: of the ground truth; the protocol's usual one if there is none.
        as_published: mAP 0 where a class has no detection, as the codes of thumos-facnet and thumos-wtalc print it.

    Raises:
        UserError: a file cannot be read, there is no such protocol, or a threshold is none.
    """
    if protocol not in evaluators.PROTOCOLS:
        raise UserError(f"there is no protocol {protocol!r}; there are {', '.join(evaluators.PROTOCOLS)}.")
    chosen = evaluators.PROTOCOLS[protocol]
    known = truths.read(Path(truth), subset=subset, preferred=chosen.subsets, ambiguous_label=chosen.ambiguous_label)
    found = predictions.detections if isinstance(predictions, Found) else detections.read_json(Path(predictions))
    result = evaluators.evaluate(known, found, chosen, chosen.tious if tious is None else tuple(tious))
    values = result.mAP if as_published else result.plain_mAP
    return Evaluation(protocol, dict(zip(result.tious.tolist(), values.tolist(), strict=True)), result)


@dataclass(frozen=True)
class TrainedRun:
    """A trained run; a folder with run.yaml and weights, which may be copied anywhere."""

    folder: Path
    notes: tuple[str, ...] = ()  # what is odd about table and features, a sentence each
    left_out: Mapping[str, str] = field(default_factory=dict)  # {video: why it was not used}
    lost: tuple[str, ...] = ()  # classes of which no video could be used
    crossed: Crossed | None = None  # video-level accuracy by cross-validation

    @property
    def classes(self) -> tuple[str, ...]:
        """What the run can find."""
        return cards.read(self.folder).classes

    def localize(self, videos: Files, *, params: Changes = None, quiet: bool = False) -> "Found":
        """When the actions happen in one video file or in several, as `wstal localize`.

        Raises:
            UserError: a file is missing, two have one name, the run was not trained on videos, or no file can be used.
        """
        with _work(quiet):
            one = [videos] if isinstance(videos, str | Path) else videos
            return Found(own_videos.locate(_settings(params), [Path(file) for file in one], self.folder))

    def save(self, folder: str | Path, *, replace: bool = False) -> "TrainedRun":
        """Copy the run to a folder; -> the run there.

        Raises:
            UserError: the folder exists and may not be replaced, or cannot be written.
        """
        own_videos.check_new(Path(folder), replace)
        with folders.taken(Path(folder)), files.fresh(Path(folder)) as fresh:
            shutil.copytree(self.folder, fresh)
        return TrainedRun(Path(folder), self.notes, self.left_out, self.lost, self.crossed)

    def __repr__(self) -> str:
        card = cards.read(self.folder)
        return f"TrainedRun({str(self.folder)!r}: {card.settings.method}, seed {card.seed}, {', '.join(card.classes)})"


@dataclass(frozen=True)
class Found:
    """What a run found in videos. A notebook shows it as the timeline."""

    located: Located

    @property
    def detections(self) -> Detections:
        """Every detection, also those that overlap, as columns."""
        return self.located.found

    @property
    def left_out(self) -> Mapping[str, str]:
        """{video: why it was not used}."""
        return self.located.summary.failures

    def to_dataframe(self, every: bool = False) -> "pd.DataFrame":
        """Columns video, start_s, end_s, label, score: the detections of the timeline, or every one."""
        import pandas as pd

        d = self.located.found if every else self.located.shown
        videos, labels = ([names[k] for k in index] for names, index in ((d.videos, d.video), (d.labels, d.label)))
        columns = (videos, d.start_s, d.end_s, labels, d.score)
        return pd.DataFrame(dict(zip(intervals.COLUMNS, columns, strict=True)))

    def timeline(self, path: str | Path) -> Path:
        """Write the page with curves, detections and pictures; -> its path.

        Raises:
            UserError: the file cannot be written.
        """
        files.write(Path(path), self.located.page(Path(path).parent))
        return Path(path)

    def save(self, folder: str | Path) -> Path:
        """Write all files of `wstal localize`; -> the folder.

        Raises:
            UserError: it cannot be written.
        """
        with folders.taken(Path(folder)):
            located.write(Path(folder), self.located)
        return Path(folder)

    def videos(self, folder: str | Path, *, params: Changes = None, quiet: bool = False) -> list[Path]:
        """Write labelled/<video>.mp4 below a folder, with what is found burnt in; -> the files.

        Raises:
            UserError: a file cannot be written.
        """
        with _work(quiet):
            burnt = own_videos.settings(_settings(params)).burnt
            return burn.burn(self.located.films, self.located.classes, Path(folder), burnt)

    def __len__(self) -> int:
        return len(self.located.shown)

    def __repr__(self) -> str:
        return f"Found({len(self)} detections in {len(self.located.shown.videos)} videos)"

    def _repr_html_(self) -> str:
        return timeline.frame(self.located.html, HEIGHT)


@dataclass(frozen=True)
class Evaluation:
    """Mean average precision, as fractions of 1. A notebook shows the table of classes."""

    protocol: str
    mAP: Mapping[float, float]  # {tIoU: mean over the classes}
    result: evaluators.Result  # all that the evaluator says

    @property
    def average(self) -> float:
        """Mean over the thresholds."""
        return sum(self.mAP.values()) / len(self.mAP)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the files, a sentence each."""
        return self.result.notes

    def to_dataframe(self) -> "pd.DataFrame":
        """Average precision: a line a class, a column a tIoU; nan for a class without an instance."""
        import pandas as pd

        return pd.DataFrame(self.result.ap.T, index=pd.Index(self.result.classes, name="label"), columns=[*self.mAP])

    def __repr__(self) -> str:
        each = ", ".join(f"{100 * value:.2f} at {tiou:g}" for tiou, value in self.mAP.items())
        return f"mAP by {self.protocol}: {100 * self.average:.2f} % on average; {each}"

    def _repr_html_(self) -> str:
        return f"<p>{self!r}</p>{self.to_dataframe().to_html(float_format='{:.4f}'.format)}"


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _silent(text: str) -> None:
    pass


@contextmanager
def _work(quiet: bool) -> Iterator[None]:
    """Work in processes, with progress bars unless `quiet`."""
    with main_guard.not_run_again():
        if quiet:
            yield
        else:
            with progress.shown(paths.CACHE / "progress" / f"{os.getpid()}"):
                yield


def _settings(params: Changes) -> dict[str, Any]:
    """params.yaml, with what is laid over it."""
    whole = parameters.read()
    if params is None:
        return whole
    over = params if isinstance(params, Mapping) else yamlfile.read(Path(params), "name a YAML file of parameters")
    for name in over:
        lookup(whole, name, "top level")
    return merge(whole, over)
