"""Whether params.yaml is well-formed as a whole: every dataset, every preset, every row of every table."""

from collections.abc import Iterator

from wstal import config, methods, metrics, prepare, published, smoke
from wstal.errors import UserError
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
        prepare.source(dataset.features, name)
        if dataset.features.statistics:
            config.lookup(published.statistics(), dataset.features.statistics, "wstal/published")
        if dataset.evaluation is None:
            raise UserError(f"params.yaml: datasets.{name} has no `evaluation` section; add one as thumos14-sim has it.")
        metrics.checked_protocol(dataset.evaluation, name)
        for method in dataset.overrides:
            config.lookup(params.methods, method, f"methods, which datasets.{name}.overrides names,")
    for name in params.run.datasets:
        params.dataset(name)
    for name in params.run.methods:
        config.lookup(params.methods, name, "methods")
    for name, table in params.tables.items():
        if table.dataset not in params.run.datasets:
            raise UserError(f"params.yaml: tables.{name} is on {table.dataset!r}; add that dataset to `run.datasets`.")
    mains = [f"{dataset}-{method}" for dataset in params.datasets for method in params.methods]
    if twice := sorted(set(mains) & set(params.tables)):
        raise UserError(f"params.yaml: the table {twice[0]!r} has the name of a dataset and method; rename it.")
    entries = {name: params.entry(name) for name in (*mains, *params.tables)}
    small = smoke.shrink(raw)
    every = [(params, entry) for entry in (*entries.values(), *presets(params))]
    every += [(small, entry) for entry in small.tables.values()]
    for where, entry in every:
        for row in entry.rows:
            build(where.resolve(entry, row), entry.method, dim=1, classes=1)
    rows = sum(len(entry.rows) for entry in entries.values())
    return f"params.yaml is well-formed: {len(params.datasets)} datasets, {len(entries)} entries, {rows} rows."


def presets(params: config.Params) -> Iterator[config.Entry]:
    """Every preset of every method on every dataset."""
    for name, method in params.methods.items():
        methods.load(name)
        rows = {preset: config.Row(preset=preset) for preset in method.presets}
        yield from (config.Entry(dataset=dataset, method=name, rows=rows) for dataset in params.datasets)
