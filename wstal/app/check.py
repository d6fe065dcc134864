"""Whether params.yaml is well-formed as a whole: every dataset, every preset, every row of every table."""

from collections.abc import Iterator, Mapping

from wstal import methods, published
from wstal.app import smoke
from wstal.base.errors import UserError
from wstal.base.paths import NOTEBOOKS
from wstal.config import parameters
from wstal.config.parameters import Params
from wstal.datasets import prepare
from wstal.evaluation import metrics
from wstal.training.train import build


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
    check_names(params)
    for place, entry in places(params):
        check_entry(params, place, entry)
    for name in params.ensembles:
        check_ensemble(params, name)
    for name in params.methods:
        methods.load(name)
    for place, entry in presets(params):
        check_rows(params, place, entry)
    for place, entry in places(params):
        check_rows(params, f"{place}.rows", entry)
    small = smoke.shrink(raw)
    for place, entry in places(small):
        check_rows(small, f"smoke, {place}.rows", entry)
    rows = sum(len(entry.rows) for entry in params.entries.values())
    return f"params.yaml is well-formed: {len(params.datasets)} datasets, {len(params.entries)} entries, {rows} rows."


def check_dataset(params: Params, name: str) -> None:
    """A dataset has a reader that knows its streams, a backbone where it is one of videos, and a way to judge detections."""
    dataset, place = params.datasets[name], f"datasets.{name}"
    _, source = prepare.source(dataset.features, place)
    files = getattr(source, "features", None)
    if isinstance(files, Mapping) and not dataset.features.extraction:
        for stream in dataset.features.streams:
            parameters.lookup(files, stream, f"{place}.features.source.features, which `streams` names,")
    if dataset.features.extraction:
        prepare.recipe(dataset.features, place).backbones()
    if dataset.features.statistics:
        parameters.lookup(published.statistics(), dataset.features.statistics, "wstal/published")
    if dataset.evaluation is None:
        raise UserError(f"params.yaml: {place} has no `evaluation` section; add one as thumos14-sim has it.")
    metrics.checked_protocol(dataset.evaluation, name)
    for method in dataset.overrides:
        parameters.lookup(params.methods, method, f"methods, which {place}.overrides names,")


def check_names(params: Params) -> None:
    """A comparison and a table never share a name, and the rows of a table share their method."""
    if twice := sorted(set(params.comparisons) & set(params.tables)):
        raise UserError(f"params.yaml: {twice[0]!r} is the name of a comparison and of a table; rename one.")
    for name, table in params.tables.items():
        if table.method is None or any(row.method for row in table.rows.values()):
            raise UserError(f"params.yaml: tables.{name} needs one `method` for all its rows; otherwise it is a comparison.")


def check_entry(params: Params, place: str, entry: parameters.Entry) -> None:
    """An entry has rows, a dataset that is prepared, a way to judge detections, and a notebook."""
    params.dataset(entry.dataset)
    if entry.dataset not in params.run.datasets:
        raise UserError(f"params.yaml: {place} is on dataset {entry.dataset!r}; add that dataset to `run.datasets`.")
    metrics.checked_protocol(params.evaluation(entry), entry.dataset)
    check_table(place, entry)


def check_ensemble(params: Params, name: str) -> None:
    """An ensemble is on the dataset of the comparison that it joins, and all its rows can be made."""
    entry, place = params.ensembles[name], f"ensembles.{name}"
    if entry.dataset != params.entry(entry.of).dataset:
        raise UserError(f"params.yaml: {place} is on {entry.dataset}, but {entry.of} is not; name its dataset.")
    check_table(place, entry)
    for row in entry.rows:
        params.ensemble(name, row)


def check_table(place: str, entry: parameters.Entry | parameters.EnsembleEntry) -> None:
    """What has a table has rows and a notebook."""
    if not entry.rows:
        raise UserError(f"params.yaml: {place} has no `rows`; add one, or remove {place}.")
    if not (NOTEBOOKS / f"{entry.notebook}.ipynb").is_file():
        raise UserError(f"params.yaml: {place} names the notebook {entry.notebook!r}, which is not in notebooks/.")


def check_rows(params: Params, place: str, entry: parameters.Entry) -> None:
    """Every row can be built; a fault is said with the row that has it."""
    for row in entry.rows:
        try:
            build(params.resolve(entry, row), params.method(entry, row), dim=1, classes=1)
        except UserError as error:
            fault = str(error).removeprefix("params.yaml").lstrip(":, ")
            raise UserError(f"params.yaml, {place}.{row}: {fault}") from None


def places(params: Params) -> Iterator[tuple[str, parameters.Entry]]:
    """Every comparison and table with its place in params.yaml."""
    for kind in ("comparisons", "tables"):
        for name, entry in getattr(params, kind).items():
            yield f"{kind}.{name}", entry


def presets(params: Params) -> Iterator[tuple[str, parameters.Entry]]:
    """Every preset of every method on every dataset, with where it stands."""
    for name, method in params.methods.items():
        rows = {preset: parameters.Row(preset=preset) for preset in method.presets}
        for dataset in params.datasets:
            yield (
                f"datasets.{dataset} with methods.{name}.presets",
                parameters.Entry(dataset=dataset, notebook="03_train", method=name, rows=rows),
            )
