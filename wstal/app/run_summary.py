"""What a run of one's own videos is about, kept in its folder.

<run>/losses.csv     network,step, a column a loss (unweighted, a bag), and their weighted sum
<run>/losses.png     the same as curves
<run>/summary.md     videos, classes, what is left out or odd, how losses end, video-level accuracy
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from wstal.app.folds import Crossed
from wstal.base import files
from wstal.border import csvfile
from wstal.training import experiment
from wstal.training.card import Card
from wstal.training.experiment import Run

LabelledVideos = Mapping[str, tuple[str, tuple[str, ...]]]  # video -> its subset, its labels


def classes(listed: LabelledVideos) -> list[tuple[str, str, str]]:
    """(class, its training videos, its test videos), by name."""
    counts = Counter((subset, label) for subset, labels in listed.values() for label in labels)
    names = sorted({label for _, label in counts})
    return [(name, str(counts["train", name]), str(counts["test", name])) for name in names]


def write(run: Run, listed: LabelledVideos, left_out: Mapping[str, str], notes: Sequence[str], crossed: Crossed | None) -> None:
    """Write all three files into the folder of a trained run."""
    from matplotlib import pyplot as plt

    from wstal.report import training_curves

    histories = experiment.histories([run], run.row)
    files.write(run.folder / "losses.csv", losses(run.card, dict(zip(run.networks, histories.values(), strict=True))))
    history = training_curves.History(run.row, run.settings.loss_names, np.stack(list(histories.values())))
    figure = training_curves.draw([history])
    figure.savefig(run.folder / "losses.png", bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    ends = training_curves.table(training_curves.endings([history])).markdown()
    files.write(run.folder / "summary.md", text(run.card, len(history.values[0]), listed, left_out, notes, crossed, ends))


def losses(card: Card, histories: Mapping[str, np.ndarray]) -> str:
    """CSV of losses {network: (S, K)}."""
    names = card.settings.loss_names
    weights = np.array([card.settings.weights[name] for name in names])
    rows: list[tuple[str, ...]] = [("network", "step", *names, "weighted_sum")]
    for network, values in histories.items():
        table = np.column_stack([values, values @ weights]).tolist()
        rows += [(network, str(step), *(f"{x:.6g}" for x in row)) for step, row in enumerate(table, start=1)]
    return csvfile.text(rows)


def text(
    card: Card,
    steps: int,
    listed: LabelledVideos,
    left_out: Mapping[str, str],
    notes: Sequence[str],
    crossed: Crossed | None,
    ends: str,
) -> str:
    """summary.md."""
    rows = [f"| {name} | {train} | {test} |" for name, train, test in classes(listed)]
    used = sum(subset == "train" for video, (subset, _) in listed.items() if video not in left_out)
    lines = [
        f"# A run of {card.settings.method}, seed {card.seed}",
        f"Preset `{card.settings.preset}`, {steps} steps, on {used} videos through {card.backbone}; "
        f"a snippet every {card.grid.step_s:g} s. Every setting stands in `run.yaml`.",
        "## Videos",
        "\n".join(["| class | training | test |", "|---|---:|---:|", *rows]),
        *(["Left out:\n\n" + "\n".join(f"- {why}" for why in left_out.values())] if left_out else []),
        *(["To look at:\n\n" + "\n".join(f"- {note}" for note in notes)] if notes else []),
        "## Losses",
        ends.strip(),
        "![Losses over the steps](losses.png)",
        "## Video-level accuracy",
        accuracy(crossed),
        "## Next",
        "`wstal localize VIDEO... --run FOLDER`, where FOLDER is this one; it may be copied anywhere.",
    ]
    return "\n\n".join(lines) + "\n"


def accuracy(crossed: Crossed | None) -> str:
    """What cross-validation says."""
    if crossed is None:
        return "Not measured: there are too few videos, or `own.folds` of the parameters says none."
    rows = [f"| {name} | {right} | {count} |" for name, (right, count) in crossed.by_class().items()]
    wrong = [f"- {one.video}: {', '.join(one.labels)}, taken for {one.surest}" for one in crossed.held if not one.right]
    parts = [
        f"By {crossed.sentence.removeprefix('video-level accuracy by ')}. "
        "Each video is judged by networks that were trained on the others. Times of actions are not judged by this.",
        "\n".join(["| class | right | videos |", "|---|---:|---:|", *rows]),
    ]
    if wrong:
        parts.append("Wrong:\n\n" + "\n".join(wrong))
    if crossed.alone:
        parts.append(f"Not judged, as no other video shows their actions or they show none: {', '.join(crossed.alone)}.")
    return "\n\n".join(parts)
