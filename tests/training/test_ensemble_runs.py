"""Ensembles of trained rows: one member alone is that member, and what a pipeline writes is what evaluation reads."""

import dataclasses

import msgspec
import numpy as np
import pytest

from wstal.base import paths
from wstal.base.errors import UserError
from wstal.config import parameters, plan
from wstal.detect import detections
from wstal.evaluation import complementarity, metrics
from wstal.evaluation.judging import judging
from wstal.training import ensemble_runs, experiment
from wstal.training.predict import predict

SCORES = {"combine": "scores", "grid": {"fps": 25.0, "stride_f": 16, "window_f": 16}}
PLAIN = SCORES | {"activation": "none", "actionness": "none", "video_score": "none"}
UNION = {"combine": "detections", "score": "rank", "overlap": "iou", "threshold": 0.7}


@pytest.fixture(scope="module")
def joined(small, prepared, tmp_path_factory):
    """runs(base, rows) of an ensemble of two trained rows, one of them with a network per stream."""
    patch = pytest.MonkeyPatch()
    patch.setattr(paths, "CACHE", tmp_path_factory.mktemp("cache"))
    _, tree = prepared
    rows = {"late": {"method": "facnet"}, "early": {"method": "wtalc", "streams": ["flow"]}}
    raw = small | {"seeds": [0], "entries": {"pair": {"dataset": "tiny", "notebook": "04_table", "rows": rows}}}
    members = experiment.runs(plan.of_rows(parameters.load(raw), "pair"), tree)
    with pytest.MonkeyPatch.context() as here:  # in this process: others would load torch for seconds of work
        here.setattr(experiment, "parallel", lambda function, jobs, *_: [function(*job) for job in jobs])
        experiment.train_all(members)

    def runs(base, rows, localize="early"):
        entry = {"of": "pair", "dataset": "tiny", "notebook": "05_ensemble", "localize": localize, "base": base, "rows": rows}
        planned = plan.of_ensemble(parameters.load(raw | {"ensembles": {"both": entry}}), "both")
        return ensemble_runs.runs(planned, members, tree)

    yield runs
    patch.undo()


def columns(found):
    return np.stack([found.video, found.label, found.start_s, found.end_s, found.score])


@pytest.mark.parametrize("base", [PLAIN, UNION | {"score": "none", "threshold": 1.0}])
def test_one_member_is_that_member(joined, base):
    runs = joined(base, {"alone": {"weights": {"early": 3.0, "late": 0.0}}})
    ensemble_runs.join_all(runs)
    ours, theirs = (detections.read_json(run.predictions()) for run in (runs[0], runs[0].members["early"]))
    assert ours.videos == theirs.videos
    np.testing.assert_allclose(columns(ours), columns(theirs), rtol=1e-12)


def test_a_member_of_two_networks_counts_once(joined):
    """Its networks are averaged, so that two streams do not outvote one."""
    (run,) = joined(PLAIN, {"both": {"weights": {"late": 1.0, "early": 1.0}}})
    member = run.members["late"]
    mean = ensemble_runs.scores(member)
    parts = []
    for network in member.networks:
        _, test = experiment.bags(member, network)
        parts.append(predict(experiment.load(member, network), test))
    for video, scores in mean.items():
        np.testing.assert_allclose(scores.activation, np.mean([part[video].activation for part in parts], axis=0))


def test_metrics_and_complementarity_of_an_ensemble(joined, prepared):
    runs = joined(
        PLAIN | {"activation": "minmax"}, {"one": {"weights": {"early": 1}}, "two": {"weights": {"early": 1, "late": 1}}}
    )
    ensemble_runs.join_all(runs)
    params, tree = prepared
    entry = judging(msgspec.structs.replace(plan.of_judging(params, "tiny_table"), entry="both"), runs, tree)
    found = metrics.evaluate_all(entry)
    assert list(found.rows) == ["one", "two"] and found.presets == {"one": "mean of scores", "two": "mean of scores"}
    assert 0 < found.average("one").mean() <= 100
    single = {run.row: detections.read_json(run.predictions()) for run in runs}
    result = complementarity.compare(entry.truths[0], single, tiou=0.3, per_instance=1.0)
    assert result.union >= result.recall.max()


@pytest.mark.parametrize(
    ("base", "rows", "says"),
    [
        (PLAIN, {"a": {"weights": {"nobody": 1.0}}}, "nobody"),
        (PLAIN, {"a": {"weights": {"early": 0.0}}}, "all 0"),
        (UNION, {"a": {"weights": {"early": 0.0}}}, "all 0"),
        (PLAIN | {"threshold": 0.5}, {"a": {"weights": {"early": 1.0}}}, "threshold"),
        (SCORES, {"a": {"weights": {"early": 1.0}}}, "activation"),
    ],
)
def test_what_does_not_fit_is_one_sentence(joined, base, rows, says):
    with pytest.raises(UserError, match=says) as caught:
        ensemble_runs.join_all(joined(base, rows))
    assert "params.yaml" in str(caught.value)


def test_an_ensemble_outside_a_stage_writes_no_pipeline_output(joined, monkeypatch):
    monkeypatch.delenv("DVC_STAGE", raising=False)
    monkeypatch.setattr(ensemble_runs, "join", lambda run, known: None)
    (run,) = joined(UNION, {"a": {"weights": {"early": 1.0}}})
    with pytest.raises(UserError, match="dvc repro"):
        ensemble_runs.join_all([dataclasses.replace(run, tree=paths.PIPELINE)])
