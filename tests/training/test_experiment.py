"""Rows and seeds of a table: trained once, resumed, never half-written, the same bits each time."""

import dataclasses
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

from wstal.base import paths, progress
from wstal.base.conversion import merge
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.border import manifestfile
from wstal.config import parameters, plan
from wstal.data import labels
from wstal.datasets import prepare
from wstal.evaluation import metrics
from wstal.evaluation.evaluate import evaluate
from wstal.evaluation.judging import judging as judged
from wstal.report import error_tables, results
from wstal.training import experiment


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A row cache of its own."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("cache")
    patch.setattr(paths, "CACHE", folder)
    yield folder / "rows"
    patch.undo()


@pytest.fixture
def inline(monkeypatch):
    """Jobs one after another in this process, counted: {function name: number}."""
    calls = {}

    def parallel(function, jobs, what, sizes=()):
        calls[function.__name__] = calls.get(function.__name__, 0) + len(jobs)
        for job in jobs:
            function(*job)

    monkeypatch.setattr(experiment, "parallel", parallel)
    return calls


@pytest.fixture
def runs(prepared):
    params, tree = prepared
    return experiment.runs(plan.of_rows(params, "tiny_table"), tree)


@pytest.fixture
def judging(prepared, runs):
    """judging(runs, **changes) -> the runs with how they are judged, some of which changed."""
    params, tree = prepared

    def judging(chosen=runs, **changes):
        planned = plan.of_judging(params, "tiny_table")
        evaluation = msgspec.structs.replace(planned.evaluation, **changes)
        return judged(msgspec.structs.replace(planned, evaluation=evaluation), chosen, tree)

    return judging


def with_card(run, **changes):
    return dataclasses.replace(run, card=msgspec.structs.replace(run.card, **changes))


def test_all_rows_and_seeds_are_listed(runs):
    assert [(run.row, run.seed) for run in runs] == [("full", 0), ("full", 1), ("no_background", 0), ("no_background", 1)]


def test_trains_localizes_evaluates_and_resumes(runs, judging, cache, inline):
    experiment.train_all(runs)
    assert inline == {"train_one": 8, "localize_one": 4}
    before = {run.folder: (run.folder / "predictions.json").read_bytes() for run in runs}
    found = metrics.evaluate_all(judging())
    assert set(found.rows) == {"full", "no_background"} and found.average("full").shape == (2,)
    assert 0 <= found.average("full").min() <= found.average("full").max() <= 100

    inline.clear()
    experiment.train_all(runs)  # nothing is missing
    assert inline == {"train_one": 0, "localize_one": 4}
    assert {run.folder: (run.folder / "predictions.json").read_bytes() for run in runs} == before

    inline.clear()
    sorted(cache.iterdir())[0].unlink()  # as after an interruption
    experiment.train_all(runs)
    assert inline["train_one"] == 1
    assert {run.folder: (run.folder / "predictions.json").read_bytes() for run in runs} == before


def test_labels_and_manifest_are_read_once_for_all_runs_of_a_draw(prepared, cache, inline, monkeypatch):
    seen = Counter()

    def counted(module):
        read = module.read
        monkeypatch.setattr(module, "read", lambda path: seen.update([module.__name__]) or read(path))

    params, tree = prepared
    for module in (labels, manifestfile):
        counted(module)
    experiment.train_all(experiment.runs(plan.of_rows(params, "tiny_table"), tree))
    assert seen == {"wstal.data.labels": 2, "wstal.border.manifestfile": 2}  # once a draw


def test_a_process_pool_gives_the_bits_of_one_process(runs, cache, inline, monkeypatch, tmp_path):
    experiment.train_all(runs[:1])
    alone = {path.name: path.read_bytes() for path in runs[0].folder.iterdir()}
    monkeypatch.undo()
    jobs = [(runs[0], network, tmp_path / f"{network}.safetensors") for network in runs[0].networks]
    experiment.parallel(experiment.train_one, jobs, "networks")
    for _, _, path in jobs:
        assert path.read_bytes() == alone[path.name]


def test_equal_networks_of_different_rows_are_trained_once(tiny_runs, cache, inline):
    new = {"optimizer": {"lr": 0.0042}}  # which no other test has trained
    runs = tiny_runs({"a": new, "b": new}, seeds=(1,))
    experiment.train_all(runs)
    assert inline["train_one"] == len(runs[0].networks)
    one, other = (run.folder / "predictions.json" for run in runs)
    assert one.read_bytes() == other.read_bytes()


def test_a_row_that_keeps_checkpoints_serves_one_that_does_not(tiny_runs, cache, inline):
    new = {"optimizer": {"lr": 0.0043}}
    plain, fuller = tiny_runs({"plain": new, "fuller": {**new, "training": {"checkpoints": 2}}}, seeds=(1,))
    experiment.train_all([plain, fuller])
    assert inline["train_one"] == len(plain.networks)
    served = {name: experiment.cached(plain, name).read_bytes() for name in plain.networks}
    for name in plain.networks:
        experiment.cached(plain, name).unlink()
    experiment.train([plain])
    assert inline["train_one"] == 2 * len(plain.networks)
    assert served == {name: experiment.cached(plain, name).read_bytes() for name in plain.networks}


def test_the_longest_networks_are_trained_first(tiny_runs, cache, monkeypatch):
    more = {
        "short": {"training": {"epochs": 1}},
        "long": {"training": {"epochs": 9}},
        "wide": {"params": {"hidden": [512, 512]}},
    }
    begun = []
    monkeypatch.setattr(experiment, "parallel", lambda _, jobs, __, sizes: begun.append((jobs, sizes)))
    experiment.train(tiny_runs(more, seeds=(0, 1)))
    ((jobs, sizes),) = begun
    assert [run.row for run, *_ in jobs] == ["wide"] * 4 + ["long"] * 4 + ["short"] * 4
    assert list(sizes) == sorted(sizes, reverse=True) and sizes[0] > 2 * sizes[-1]


def test_progress_of_unequal_jobs_is_their_share_of_the_work(monkeypatch):
    told = []
    monkeypatch.setattr(progress, "report", lambda what, done, total: told.append((done, total)))
    experiment.parallel(abs, [(-1,), (2,), (3,)], "numbers", [6.0, 3.0, 1.0])
    assert told[0] == (0, 100) and told[-1] == (100, 100) and len(told) == 4
    told.clear()
    experiment.parallel(abs, [(-1,), (2,)], "numbers")
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_what_weights_depend_on_is_in_their_name(runs, cache, monkeypatch):
    run = runs[0]
    name = experiment.cached(run, "rgb").name
    assert experiment.cached(run, "flow").name != name
    assert experiment.cached(with_card(run, seed=9), "rgb").name != name
    assert experiment.cached(with_card(run, settings=runs[2].settings), "rgb").name != name
    assert experiment.cached(run, "rgb").name == name
    monkeypatch.setattr(experiment.torch, "__version__", "0.0")
    assert experiment.cached(run, "rgb").name != name


def test_every_seed_sees_a_draw_of_its_own_and_all_rows_of_a_seed_the_same(runs, judging):
    seen = {(run.row, run.seed): [video.id for video in run.data.videos("train")] for run in runs}
    assert seen["full", 0] == seen["no_background", 0] and seen["full", 1] == seen["no_background", 1]
    assert {ids[0] for ids in seen.values()} == {"sim0_train_0000", "sim1_train_0000"}
    for run in runs:
        train, test = experiment.bags(run, "rgb")
        assert list(train.videos) == seen[run.row, run.seed]
        assert set(test.videos) == set(run.data.durations_s()) == set(judging().truth_of(run).videos)


def test_a_dataset_that_is_not_redrawn_is_the_same_for_all_seeds(small, tmp_path, cache):
    raw = merge(small, {"datasets": {"tiny": {"redrawn": False}}})
    params, tree = parameters.load(raw), Tree(tmp_path)
    prepare.annotate(plan.of_dataset(params, "tiny"), tree)
    prepare.extract(plan.of_dataset(params, "tiny"), tree)
    assert "draw" not in (tree.annotations("tiny") / "videos.json").read_text()
    runs = experiment.runs(plan.of_rows(params, "tiny_table"), tree)
    assert {run.draw for run in runs} == {0} and runs[0].data is runs[1].data


def test_another_seed_leaves_what_is_trained_as_it_is(small, runs, tmp_path, cache):
    """Names of trained weights depend on their own draw alone."""
    params, tree = parameters.load(merge(small, {"seeds": [0, 5]})), Tree(tmp_path)
    prepare.annotate(plan.of_dataset(params, "tiny"), tree)
    prepare.extract(plan.of_dataset(params, "tiny"), tree)
    more = experiment.runs(plan.of_rows(params, "tiny_table"), tree)
    assert experiment.cached(more[0], "rgb").name == experiment.cached(runs[0], "rgb").name
    same = dataclasses.replace(more[1], card=more[0].card)
    assert experiment.cached(same, "rgb").name != experiment.cached(more[0], "rgb").name


def test_a_failure_leaves_nothing_that_the_next_run_believes(runs, inline, monkeypatch, tmp_path):
    """Training breaks while its file is being written: no finished file, and the next run trains again."""
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    whole = Path.write_bytes

    def broken(path, data):
        whole(path, data[:100])
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", broken)
    with pytest.raises(OSError, match="disk full"):
        experiment.train_all(runs[:1])
    assert list(tmp_path.rglob("*.safetensors")) == []
    monkeypatch.setattr(Path, "write_bytes", whole)
    experiment.train_all(runs[:1])
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]])
def test_damaged_weights_are_trained_again(runs, inline, monkeypatch, tmp_path, damage):
    """A cut or a flipped bit in the cache: the run is the same, and a note says so."""
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress"))
    experiment.train_all(runs[:1])
    whole = {path.name: path.read_bytes() for path in runs[0].folder.iterdir()}
    row = experiment.cached(runs[0], "rgb")
    row.write_bytes(damage(row.read_bytes()))
    inline.clear()
    experiment.train_all(runs[:1])
    assert inline["train_one"] == 1 and {path.name: path.read_bytes() for path in runs[0].folder.iterdir()} == whole
    assert f"{row.name} is trained again, as its file was damaged" in (tmp_path / "progress").read_text()


def regrid(prepared, root, **grids):
    """The first run in a copy of the tree in which streams have these grids."""
    params, before = prepared
    tree = type(before)(root)
    shutil.copytree(before.root, root)
    path = tree.features("tiny") / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["grids"] |= grids
    path.write_text(json.dumps(manifest))
    return experiment.runs(plan.of_rows(params, "tiny_table"), tree)[0]


def test_streams_on_different_grids_are_refused_before_anything_is_trained(prepared, tmp_path):
    with pytest.raises(UserError, match=r"streams 'rgb' and 'flow' lie on different time grids .* params\.yaml"):
        regrid(prepared, tmp_path / "tree", flow={"fps": 25.0, "stride_f": 32, "window_f": 32})


def test_detections_are_in_the_seconds_of_the_streams_grid(prepared, runs, cache, inline, tmp_path):
    experiment.train_all(runs[:1])
    doubled = {"fps": 12.5, "stride_f": 16, "window_f": 16}
    run = regrid(prepared, tmp_path / "tree", rgb=doubled, flow=doubled)
    here, there = experiment.detect(runs[0]), experiment.detect(run)
    assert len(here) > 0 and np.allclose(2 * here.start_s, there.start_s) and np.allclose(2 * here.end_s, there.end_s)


def test_diverging_training_is_a_sentence(tiny_runs, cache, inline):
    with pytest.raises(UserError, match="diverged"):
        experiment.train_all(tiny_runs({"wild": {"optimizer": {"lr": 1e30}}}, seeds=(0,)))


def test_losses_fall(runs, cache, inline):
    experiment.train_all(runs)
    for history in experiment.histories(runs, "full").values():
        assert history[-20:].sum(1).mean() < history[:20].sum(1).mean()


def test_a_damaged_feature_file_is_a_sentence(prepared, tmp_path):
    params, tree = prepared
    copy = type(tree)(tmp_path / "copy")
    shutil.copytree(tree.root, copy.root)
    run = experiment.runs(plan.of_rows(params, "tiny_table"), copy)[0]
    victim = copy.features("tiny") / "rgb.npy"
    content = victim.read_bytes()
    for damage in (content[: len(content) // 2], b"", content[:-64]):
        victim.write_bytes(damage)
        with pytest.raises(UserError, match=victim.name):
            train, test = experiment.bags(run, "rgb")
            [bags.features(i) for bags in (train, test) for i in range(len(bags))]
    victim.unlink()
    with pytest.raises(UserError, match=victim.name):
        train, test = experiment.bags(run, "rgb")
        [bags.features(i) for bags in (train, test) for i in range(len(bags))]


def test_tables_of_a_real_run(runs, judging, cache, inline, tmp_path):
    """Markdown, CSV and LaTeX hold the numbers of the metrics, rounded once."""
    experiment.train_all(runs)
    found = metrics.evaluate_all(judging())
    metrics.write(found, runs[0].tree)
    assert metrics.read("tiny_table", runs[0].tree) == found
    table = results.groups(found)
    mean = f"{found.average('full').mean():.1f}"
    table.save("tiny_table", runs[0].tree)
    for suffix in ("md", "csv", "tex"):
        text = (runs[0].tree.tables() / f"tiny_table.{suffix}").read_text()
        assert mean in text and "Simulated" in text
    assert json.loads(runs[0].tree.metrics("tiny_table").read_bytes())["rows"]["full"]["0"]["all"]["average_mAP"] <= 1


def test_ap_of_each_class_is_a_mean_over_the_seeds_of_each_row(runs, judging, cache, inline):
    experiment.train_all(runs)
    table = error_tables.per_class(judging(), 0.5)
    assert table.header == ("class", "full", "no_background")
    seeds = [metrics.by_row(judging([run]), evaluate, [0.5])["full"][0] for run in runs[:2]]
    classes, ap = seeds[0].classes, 100 * np.array([result.ap[0] for result in seeds])
    assert {row[0]: row[1] for row in table.rows} == {
        name: f"{mean:.1f} ± {std:.1f}" for name, mean, std in zip(classes, ap.mean(0), ap.std(0, ddof=1), strict=True)
    }
    means = [np.mean([float(cell.split(" ")[0]) for cell in row[1:]]) for row in table.rows]
    assert means == sorted(means, reverse=True)


def test_groups_of_classes_are_means_over_their_classes(runs, judging, cache, inline):
    experiment.train_all(runs[:1])
    one, other = ("GolfSwing",), ("CliffDiving", "HammerThrow", "LongJump", "PoleVault", "VolleyballSpiking")
    groups = {"one": one, "other": other}
    cells = metrics.evaluate_all(judging(runs[:1], class_groups=groups)).rows["full"]["0"]
    assert cells["all"].average_mAP == pytest.approx((cells["one"].average_mAP + 5 * cells["other"].average_mAP) / 6, abs=1e-5)
    assert cells["one"].mAP != cells["other"].mAP


def test_weights_hold_no_pickle(runs, cache, inline):
    experiment.train_all(runs[:1])
    tensors = load_file(runs[0].folder / "rgb.safetensors")
    assert {"action", "foreground", "history"} <= set(tensors)
    assert all(np.isfinite(value).all() for value in tensors.values())


def test_steps_of_long_work_are_reported_now_and_then(tmp_path, monkeypatch):
    path = tmp_path / "progress"
    monkeypatch.setenv(progress.VARIABLE, str(path))
    silent, talkative = progress.steps("short"), progress.steps("long", every_s=0.0)
    for done in range(3):
        silent(done + 1, 3, lambda: 0.5)
        talkative(done + 1, 3, lambda: 10 / 3)
    assert path.read_text().splitlines() == [f"long\t{done}\t3\tloss 3.33" for done in (1, 2, 3)]


def test_the_last_step_of_long_work_is_reported(tmp_path, monkeypatch):
    path = tmp_path / "progress"
    monkeypatch.setenv(progress.VARIABLE, str(path))
    now = iter([0.0, 6.0, 6.0, 7.0, 8.0, 8.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    step = progress.steps("long")
    for done in range(3):
        step(done + 1, 3, lambda: 0.5)
    assert path.read_text().splitlines() == ["long\t1\t3\tloss 0.5", "long\t3\t3\tloss 0.5"]


def test_progress_is_reported_to_the_runner(tmp_path, monkeypatch):
    path = tmp_path / "progress"
    bars = progress.Bars(path)
    monkeypatch.setenv(progress.VARIABLE, str(path))
    bars.start()
    for done in range(4):
        progress.report("parts", done, 3)
    bars.stop()
    assert bars.bars["parts"].n == 3 and not path.exists()
    monkeypatch.delenv(progress.VARIABLE)
    progress.report("parts", 0, 3)
    assert not path.exists() and os.environ.get(progress.VARIABLE) is None
