"""Whether params.yaml is well-formed as a whole: every dataset, every preset, every row of every table."""

from wstal import config, methods, prepare
from wstal.errors import UserError
from wstal.evaluate import PROTOCOLS
from wstal.train import build


def check(raw: dict) -> str:
    """One line that counts what is there.

    Raises:
        UserError: the first thing that does not fit, with its place.
    """
    params = config.load(raw)
    for name, dataset in params.datasets.items():
        prepare.source(dataset.features, name)
        if dataset.evaluation is None:
            raise UserError(f"params.yaml: datasets.{name} has no `evaluation` section; add one as thumos14-sim has it.")
        if dataset.evaluation.protocol not in PROTOCOLS:
            raise UserError(
                f"params.yaml, datasets.{name}.evaluation: there is no protocol {dataset.evaluation.protocol!r}; "
                f"set one of {', '.join(PROTOCOLS)}."
            )
    for name in params.methods:
        methods.load(name)
    for name in params.run.datasets:
        params.dataset(name)
    for name in params.run.methods:
        config.lookup(params.methods, name, "methods")
    mains = [f"{dataset}-{method}" for dataset in params.datasets for method in params.methods]
    entries = {name: params.entry(name) for name in (*mains, *params.tables)}
    for entry in entries.values():
        for row in entry.rows:
            build(params.resolve(entry, row), entry.method, dim=1, classes=1)
    rows = sum(len(entry.rows) for entry in entries.values())
    return f"params.yaml is well-formed: {len(params.datasets)} datasets, {len(entries)} entries, {rows} rows."
