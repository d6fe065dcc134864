"""Whether params.yaml is well-formed as a whole: every dataset, every preset, every row of every entry."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wstal import methods, published
from wstal.app import smoke
from wstal.base.errors import UserError
from wstal.base.paths import NOTEBOOKS
from wstal.border import content, yamlfile
from wstal.border.limits import LIMITS
from wstal.config import parameters, resolve
from wstal.config.parameters import EnsembleEntry, Entry, Parameters, lookup
from wstal.datasets import prepare
from wstal.evaluation.judging import checked_protocol
from wstal.published import originals


def check(raw: dict) -> str:
    """One line that counts what is there.

    Raises:
        UserError: the first thing that does not fit, with its place.
    """
    params = parameters.load(raw)
    if not params.seeds or len(set(params.seeds)) < len(params.seeds):
        raise UserError("params.yaml: `seeds` must hold at least one seed, and each once.")
    for name in params.datasets:
        check_dataset(params, name)
    for name in params.run.datasets:
        params.dataset(name)
    if twice := sorted(set(params.entries) & set(params.ensembles)):
        raise UserError(f"params.yaml: {twice[0]!r} is the name of an entry and of an ensemble; rename one.")
    for name, entry in params.reported.items():
        check_entry(params, name, entry)
    for name in params.ensembles:
        check_ensemble(params, name)
    for name in params.methods:
        methods.load(name)
    if unused := sorted(set(methods.names()) - set(params.methods)):
        raise UserError(
            f"params.yaml: methods has no section {unused[0]!r}, though wstal/methods/{unused[0]}.py is there; add it."
        )
    rows = check_rows(params)
    judged = {name: resolve.evaluation(params, name).tious for name in params.reported}
    published.check({name: entry.every for name, entry in params.reported.items()}, judged)
    small = smoke.shrink(raw)
    for name in small.entries:
        said("smoke", resolve.rows, small, name)
    return f"params.yaml is well-formed: {len(params.datasets)} datasets, {len(params.entries)} entries, {rows} rows."


def check_lock(path: Path) -> None:
    """dvc.lock, where there is one, is YAML to the end of its last line: DVC writes it in place, and a kill may cut it short.

    Raises:
        UserError: it is not, or cannot be read.
    """
    cure = "`git checkout dvc.lock` brings the committed one back, and what was finished since comes from DVC's cache"
    if not path.exists():
        return
    text = content.read_text(path, LIMITS.yaml_bytes, cure)
    try:
        whole = text.endswith("\n") and yamlfile.parse(text, path)
    except UserError:
        whole = None
    if not whole:
        raise UserError(f"{path} was cut short, as when DVC is killed while it writes; {cure}.")


def check_dataset(params: Parameters, name: str) -> None:
    """A dataset has a reader that knows its streams, a backbone where it is one of videos, and a way to judge detections.

    Raises:
        UserError: it lacks one.
    """
    dataset, place = params.datasets[name], f"datasets.{name}"
    _, source = prepare.source(dataset.features, place)
    if dataset.redrawn and not hasattr(source, "draws"):
        raise UserError(
            f"params.yaml: {place} says `redrawn: true`, but its reader {dataset.features.reader} draws nothing; "
            "remove that line."
        )
    if "draws" in dataset.features.source:
        raise UserError(
            f"params.yaml: {place}.features.source sets `draws`, but runs see the draws of `seeds` or one; remove it, "
            "and say `redrawn: true` of the dataset for a draw a seed."
        )
    files = getattr(source, "features", None)
    if isinstance(files, Mapping) and not dataset.features.extraction:
        for stream in dataset.features.streams:
            lookup(files, stream, f"{place}.features.source.features, which `streams` names,")
    if dataset.features.extraction:
        prepare.recipe(dataset.features, place).backbones()
    if dataset.features.statistics:
        lookup(published.statistics(), dataset.features.statistics, "wstal/published")
    made = dataset.features.reader == smoke.SIMULATED
    if made != originals.is_simulated(name):
        what, cure = ("simulated", "end") if made else ("not simulated", "do not end")
        raise UserError(
            f"params.yaml: {place} is {what}; {cure} its name with {originals.ENDING}, by which tables tell it from a real one."
        )
    if dataset.evaluation is None:
        raise UserError(f"params.yaml: {place} has no `evaluation` section; add one as thumos14-sim has it.")
    checked_protocol(dataset.evaluation, name)
    for method in dataset.overrides:
        lookup(params.methods, method, f"methods, which {place}.overrides names,")


def check_entry(params: Parameters, name: str, entry: Entry | EnsembleEntry) -> None:
    """What has a table has a dataset that is prepared, rows, a way to judge detections, and a notebook.

    Raises:
        UserError: it lacks one.
    """
    place = f"{'entries' if name in params.entries else 'ensembles'}.{name}"
    params.dataset(entry.dataset)
    if entry.dataset not in params.run.datasets:
        raise UserError(f"params.yaml: {place} is on dataset {entry.dataset!r}; add that dataset to `run.datasets`.")
    checked_protocol(resolve.evaluation(params, name), entry.dataset)
    if not entry.every:
        raise UserError(f"params.yaml: {place} has no `rows`; add one, or remove {place}.")
    if NOTEBOOKS.is_dir() and not (NOTEBOOKS / f"{entry.notebook}.ipynb").is_file():  # an installed package has none
        raise UserError(f"params.yaml: {place} names the notebook {entry.notebook!r}, which is not in notebooks/.")


def check_ensemble(params: Parameters, name: str) -> None:
    """An ensemble is on the dataset of the entry that it joins, and all its rows can be made.

    Raises:
        UserError: it is not, or a row does not fit.
    """
    entry = params.ensembles[name]
    if entry.dataset != params.entry(entry.of).dataset:
        raise UserError(f"params.yaml: ensembles.{name} is on {entry.dataset}, but {entry.of} is not; name its dataset.")
    resolve.combinations(params, name)


def check_rows(params: Parameters) -> int:
    """Every preset on every dataset and every row of every entry resolves; -> how many rows.

    Raises:
        UserError: one does not; it is said with its place.
    """
    for method, section in params.methods.items():
        for dataset in params.datasets:
            for preset in section.presets:
                entry = Entry(dataset=dataset, notebook="03_train", method=method)
                resolve.row(params, entry, {"preset": preset}, f"datasets.{dataset} with methods.{method}.presets.{preset}")
    return sum(len(resolve.rows(params, name)) for name in params.entries)


def said(where: str, function: Callable[..., Any], *arguments: Any) -> None:
    """function(*arguments), whose UserError says `where` it arose.

    Raises:
        UserError: what the function raises, with that place.
    """
    try:
        function(*arguments)
    except UserError as error:
        raise UserError(f"params.yaml, {where}, {str(error).removeprefix('params.yaml').lstrip(':, ')}") from None
