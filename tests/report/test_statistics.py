"""Numbers of a dataset beside those published, whichever are."""

import pytest

from wstal import published
from wstal.base.errors import UserError
from wstal.base.types import Annotations, Segment, Video
from wstal.config import parameters
from wstal.report import statistics

ANNOTATIONS = Annotations(
    classes=("Run", "Wave"),
    videos=(
        Video("a", "train", 10.0, ("Run", "Wave")),
        Video("b", "train", 30.0, ("Run",)),
        Video("c", "test", 8.0, ("Wave",)),
    ),
    segments=(
        Segment("a", "Run", 1.0, 3.0),
        Segment("a", "Wave", 2.0, 6.0),
        Segment("b", "Run", 0.0, 15.0),
        Segment("c", "Wave", 0.0, 2.0),
    ),
)


def cells(table):
    return {row[:2]: row[2:] for row in table.rows}


def test_known_answers():
    found = cells(statistics.table(ANNOTATIONS, "mine", {}))
    assert found["train", "instances"] == ("3",) and found["train", "instances a minute"] == ("4.50",)
    assert found["train", "mean share of background"] == ("0.500",) and found["test", "mean share of background"] == ("0.750",)
    assert found["train", "videos with several classes"] == ("0.500",)


@pytest.mark.parametrize("name", ["thumos14", "activitynet12", "activitynet13", "hacs"])
def test_every_real_dataset_has_its_own(raw, name):
    known = statistics.known(parameters.load(raw), name)
    table = statistics.table(ANNOTATIONS, name, known)
    assert table.header == ("subset", "quantity", name, known["title"]) and known["source"] in table.caption
    assert cells(table)["train", "videos"] == ("2", str(known["train"]["videos"]))


def test_what_nobody_published_is_a_dash(raw):
    known = statistics.known(parameters.load(raw), "hacs")
    found = cells(statistics.table(ANNOTATIONS, "hacs", known))
    assert found["train", "instances"][1] == "–" and found["train", "instances a minute"][1] == "–"
    assert found["test", "instances a video"][1] == "2.8"
    lines = [len(axis.lines) for axis in statistics.figure(ANNOTATIONS, known).axes]
    assert lines == [1, 2, 1, 1]  # own means; one published


def test_a_dataset_that_names_nothing(raw):
    features = {**raw["datasets"]["thumos14-sim"]["features"], "statistics": None}
    params = parameters.load({"datasets": {"mine": {"features": features}}})
    table = statistics.table(ANNOTATIONS, "mine", statistics.known(params, "mine"))
    assert table.header == ("subset", "quantity", "mine") and {len(row) for row in table.rows} == {3}


def test_a_name_that_is_not_there(raw):
    features = {**raw["datasets"]["thumos14-sim"]["features"], "statistics": "thumos15"}
    params = parameters.load({"datasets": {"mine": {"features": features}}})
    with pytest.raises(
        UserError, match=r"wstal/published has no 'thumos15'; it has: activitynet12, activitynet13, hacs, thumos14"
    ):
        statistics.known(params, "mine")


def test_published_statistics_agree_with_themselves():
    for name, known in published.statistics().items():
        assert {"title", "source", "train", "test", "two_classes"} == set(known), name
        for subset in (known["train"], known["test"]):
            if subset["instances"] is not None:
                assert subset["instances"] / subset["videos"] == pytest.approx(subset["instances_a_video"], abs=0.06)
