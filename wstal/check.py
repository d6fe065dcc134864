"""Whether params.yaml is well-formed as a whole: every dataset, every preset, every row of every table."""

from collections.abc import Iterator

from wstal import config, methods, metrics, prepare, published, smoke
from wstal.errors import UserError
from wstal.paths import NOTEBOOKS
from wstal.train import build


def check(raw: dict) -> str:
    """One line that counts what is there.

    Raises:
        UserError: the first thing that does not fit, with its place.
    """
    params = config.load(raw)
    if not params.seeds or len(set(params.seeds)) < len(params.seeds):
        raise UserError("params.yaml: `seeds` must hold at least one seed, and each once.")
    for name, dataset in params.datasets.items():
        prepare.source(dataset.features, place := f"datasets.{name}")
        if dataset.features.extraction:
            prepare.recipe(dataset.features, place).backbones()
        if dataset.features.statistics:
            config.lookup(published.statistics(), dataset.features.statistics, "wstal/published")
        if dataset.evaluation is None:
            raise UserError(f"params.yaml: datasets.{name} has no `evaluation` section; add one as thumos14-sim has it.")
        metrics.checked_protocol(dataset.evaluation, name)
        for method in dataset.overrides:
            config.lookup(params.methods, method, f"methods, which datasets.{name}.overrides names,")
    for name in params.run.datasets:
        params.dataset(name)
    for name, entry in params.entries.items():
        if entry.dataset not in params.run.datasets:
            raise UserError(f"params.yaml: {name} is on dataset {entry.dataset!r}; add that dataset to `run.datasets`.")
        metrics.checked_protocol(params.evaluation(entry), entry.dataset)
        if not (NOTEBOOKS / f"{entry.notebook}.ipynb").is_file():
            raise UserError(f"params.yaml: {name} names the notebook {entry.notebook!r}, which is not in notebooks/.")
    if twice := sorted(set(params.comparisons) & set(params.tables)):
        raise UserError(f"params.yaml: {twice[0]!r} is the name of a comparison and of a table; rename one.")
    for name, table in params.tables.items():
        if table.method is None or any(row.method for row in table.rows.values()):
            raise UserError(f"params.yaml: tables.{name} needs one `method` for all its rows; otherwise it is a comparison.")
    for name, entry in params.ensembles.items():
        if entry.dataset != params.entry(entry.of).dataset:
            raise UserError(f"params.yaml: ensembles.{name} is on {entry.dataset}, but {entry.of} is not; name its dataset.")
        for row in entry.rows:
            params.ensemble(name, row)
    small = smoke.shrink(raw)
    every = [(params, entry) for entry in (*params.entries.values(), *presets(params))]
    every += [(small, entry) for entry in small.entries.values()]
    for where, entry in every:
        for row in entry.rows:
            build(where.resolve(entry, row), where.method(entry, row), dim=1, classes=1)
    rows = sum(len(entry.rows) for entry in params.entries.values())
    return f"params.yaml is well-formed: {len(params.datasets)} datasets, {len(params.entries)} entries, {rows} rows."


def presets(params: config.Params) -> Iterator[config.Entry]:
    """Every preset of every method on every dataset."""
    for name, method in params.methods.items():
        methods.load(name)
        rows = {preset: config.Row(preset=preset) for preset in method.presets}
        for dataset in params.datasets:
            yield config.Entry(dataset=dataset, notebook="03_train", method=name, rows=rows)
