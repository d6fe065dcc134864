"""The stage that trains ahead: afterwards no table has anything to train."""

import json

from wstal.app import networks
from wstal.base import paths
from wstal.config import plan
from wstal.training import experiment


def test_no_table_trains_what_was_trained_ahead(prepared, tmp_path, monkeypatch):
    params, tree = prepared
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(networks, "PIPELINE", paths.Tree(tmp_path))
    for name in ("tiny_table", "joined"):
        (tmp_path / f"reports/plan/rows/{name}.yaml").parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "reports/plan/rows/tiny_table.yaml").write_text("entry: tiny_table\n")
    (tmp_path / "reports/plan/rows/joined.yaml").write_text("of: tiny_table\n")
    runs = experiment.runs(plan.of_rows(params, "tiny_table"), tree)[:2]
    monkeypatch.setattr(networks.opening, "runs", lambda entry, smoke: runs)
    monkeypatch.setattr(experiment, "parallel", lambda function, jobs, *_: [function(*job) for job in jobs])
    assert networks.main() == 0
    assert json.loads((tmp_path / "data/networks.json").read_text()) == {"tiny_table": 4}
    begun = []
    monkeypatch.setattr(experiment, "parallel", lambda function, jobs, *_: begun.append((function.__name__, len(jobs))))
    experiment.train_all(runs)
    assert begun == [("train_one", 0), ("localize_one", 2)]
