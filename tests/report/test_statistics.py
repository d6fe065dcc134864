"""Numbers of a dataset beside those published, whichever are."""

import numpy as np
import pytest

from tests.made import dataset_plan
from wstal import published
from wstal.base.errors import UserError
from wstal.base.types import Annotations, Segment, Video
from wstal.config import plan
from wstal.datasets import prepare
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


def planned(raw, name):
    """The plan of a dataset of params.yaml."""
    return dataset_plan(name, raw["datasets"][name]["features"])


def cells(table):
    return {row[:2]: row[2:] for row in table.rows}


def test_known_answers():
    found = cells(statistics.table(ANNOTATIONS, "mine", None))
    assert found["train", "instances"] == ("3",) and found["train", "instances a minute"] == ("4.50",)
    assert found["train", "mean share of background"] == ("0.500",) and found["test", "mean share of background"] == ("0.750",)
    assert found["train", "videos with several classes"] == ("0.500",)


@pytest.mark.parametrize("name", ["thumos14", "activitynet12", "activitynet13", "hacs"])
def test_every_real_dataset_has_its_own(raw, name):
    known = statistics.known(planned(raw, name))
    table = statistics.table(ANNOTATIONS, name, known)
    assert table.header == ("subset", "quantity", name, known.title) and known.source in table.caption
    assert cells(table)["train", "videos"] == ("2", str(known.train.videos))


def test_what_nobody_published_is_a_dash(raw):
    known = statistics.known(planned(raw, "hacs"))
    found = cells(statistics.table(ANNOTATIONS, "hacs", known))
    assert found["train", "instances"][1] == "–" and found["train", "instances a minute"][1] == "–"
    assert found["test", "instances a video"][1] == "2.8"
    lines = [len(axis.lines) for axis in statistics.figure(ANNOTATIONS, known).axes]
    assert lines == [1, 2, 1, 1]  # own means; one published


def test_a_dataset_that_names_nothing(raw):
    features = {**raw["datasets"]["thumos14-sim"]["features"], "statistics": None}
    table = statistics.table(ANNOTATIONS, "mine", statistics.known(dataset_plan("mine", features)))
    assert table.header == ("subset", "quantity", "mine") and {len(row) for row in table.rows} == {3}


def test_a_name_that_is_not_there(raw):
    features = {**raw["datasets"]["thumos14-sim"]["features"], "statistics": "thumos15"}
    with pytest.raises(
        UserError, match=r"wstal/published has no 'thumos15'; it has: activitynet12, activitynet13, hacs, thumos14"
    ):
        statistics.known(dataset_plan("mine", features))


def test_published_statistics_agree_with_themselves():
    for known in published.statistics().values():
        for subset in (known.train, known.test):
            if subset.instances is not None:
                assert subset.instances / subset.videos == pytest.approx(subset.instances_a_video, abs=0.06)


def test_each_published_value_stands_beside_its_own_quantity(raw):
    known = statistics.known(planned(raw, "thumos14"))
    found = {place: cell[1] for place, cell in cells(statistics.table(ANNOTATIONS, "mine", known)).items()}
    assert {quantity: cell for (subset, quantity), cell in found.items() if subset == "train"} == {
        "videos": "200", "instances": "3007", "mean video length (s)": "209.0", "instances a video": "15.0",
        "instances a minute": "4.31", "mean instance length (s)": "4.04", "mean share of background": "0.714",
        "videos with several classes": "0.146",
    }  # fmt: skip
    assert found["test", "videos"] == "212" and found["test", "mean share of background"] == "0.686"


def test_every_quantity_of_ours_by_hand():
    found = {place: cell[0] for place, cell in cells(statistics.table(ANNOTATIONS, "mine", None)).items()}
    assert {quantity: cell for (subset, quantity), cell in found.items() if subset == "train"} == {
        "videos": "2", "instances": "3", "mean video length (s)": "20.0", "instances a video": "1.5",
        "instances a minute": "4.50", "mean instance length (s)": "7.00", "mean share of background": "0.500",
        "videos with several classes": "0.500",
    }  # fmt: skip


def test_the_figure_shows_training_videos_with_published_means(raw):
    known = statistics.known(planned(raw, "thumos14"))
    found = {
        one.name: (one.values.tolist(), one.published) for one in statistics.training_videos(ANNOTATIONS, known).quantities
    }
    assert found == {
        "video length (s)": ([10, 30], 209.0),
        "instances a video": ([2, 1], 15.0),
        "instance length (s)": ([2, 4, 15], 4.04),
        "background": ([0.5, 0.5], 0.714),
    }


def test_classes_by_hand():
    table = statistics.per_class(ANNOTATIONS)
    assert table.header == ("class", "training videos", "training instances", "test videos", "test instances")
    assert table.rows == (("Run", "2", "2", "0", "0"), ("Wave", "1", "1", "1", "1"))


def test_similarity_is_that_of_directions(prepared):
    """Of the first training video; simulated features are not of unit length."""
    params, tree = prepared
    tiny = plan.of_dataset(params, "tiny")
    found, video = statistics.similarities(tiny, tree), prepare.annotate(tiny, tree).videos[0]
    shown = ", ".join(video.labels)
    assert video.subset == "train" and list(found.maps) == [f"{video.id}, {stream}: {shown}" for stream in ("rgb", "flow")]
    for cosine in found.maps.values():
        np.testing.assert_allclose(np.diag(cosine), 1, atol=1e-9)
        assert cosine.shape[0] == cosine.shape[1] > 10 and np.abs(cosine).max() <= 1 + 1e-9
        np.testing.assert_allclose(cosine, cosine.T, atol=1e-12)
    drawn = statistics.similarity(tiny, tree)
    assert [axis.get_title("left") for axis in drawn.axes[:2]] == list(found.maps)
