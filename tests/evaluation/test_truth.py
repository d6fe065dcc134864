"""Ground-truth files."""

import json

import pytest

from wstal.base.errors import UserError
from wstal.evaluation import truth
from wstal.evaluation.evaluate import PROTOCOLS


def video(subset, *annotations, **more):
    return {"subset": subset, "annotations": [{"label": c, "segment": [s, e]} for c, s, e in annotations], **more}


DATABASE = {
    "t": video("training", ("x", 0, 1)),
    "v1": video("validation", ("y", 1.5, 2), ("Ambiguous", 5, 6), ("x", "3.25", "4"), duration=9.5),
    "v2": video("validation", ambiguous=[[0, 2], ["3", "4"]]),
    "test": {"subset": "testing", "annotations": None, "ambiguous": None},
}


def read(tmp_path, content, protocol="activitynet", subset=None):
    path = tmp_path / "truth.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    preferred, ambiguous_label = PROTOCOLS[protocol].subsets, PROTOCOLS[protocol].ambiguous_label
    return truth.read(path, subset=subset, preferred=preferred, ambiguous_label=ambiguous_label)


def test_columns(tmp_path):
    t = read(tmp_path, {"database": DATABASE}, "thumos-facnet")
    assert t.videos == ("v1", "v2") and t.labels == ("x", "y")
    assert (t.video.tolist(), t.label.tolist()) == ([0, 0], [1, 0])
    assert (t.start_s.tolist(), t.end_s.tolist()) == ([1.5, 3.25], [2, 4])
    assert t.ambiguous_video.tolist() == [0, 1, 1]
    assert (t.ambiguous_start_s.tolist(), t.ambiguous_end_s.tolist()) == ([5, 0, 3], [6, 2, 4])


def test_ambiguous_is_an_ordinary_class_for_activitynet(tmp_path):
    t = read(tmp_path, {"database": DATABASE})
    assert t.labels == ("Ambiguous", "x", "y") and len(t.label) == 3 and t.ambiguous_video.tolist() == [1, 1]


def test_classes_give_the_order(tmp_path):
    t = read(tmp_path, {"database": DATABASE, "classes": ["y", "unused", "x"]}, "thumos-facnet")
    assert t.labels == ("y", "unused", "x") and t.label.tolist() == [0, 2]
    assert read(tmp_path, {"database": DATABASE, "classes": ["y"]}, "thumos-facnet").labels == ("y", "x")
    with pytest.raises(UserError, match='"classes" is not a list'):
        read(tmp_path, {"database": DATABASE, "classes": {"x": 0}})


@pytest.mark.parametrize(
    "subsets, protocol, chosen",
    [
        (("training", "validation", "test"), "activitynet", "validation"),
        (("training", "testing", "test"), "activitynet", "test"),
        (("training", "validation", "Test"), "thumos-facnet", "Test"),
        (("validation", "testing"), "thumos-facnet", "testing"),
        (("validation", "training"), "thumos-wtalc", "validation"),
        (("mine",), "activitynet", "mine"),
    ],
)
def test_usual_subset(tmp_path, subsets, protocol, chosen):
    database = {name: video(name, ("x", 0, 1)) for name in subsets}
    database["without annotations"] = video("validation" if "validation" not in subsets else "none")
    assert chosen in read(tmp_path, {"database": database}, protocol).videos


def test_named_subset(tmp_path):
    for name in ("training", "Training"):
        assert read(tmp_path, {"database": DATABASE}, subset=name).videos == ("t",)
    with pytest.raises(UserError, match=r"no subset 'val'; choose one of 'testing' \(0 of 1 videos annotated\), 'training'"):
        read(tmp_path, {"database": DATABASE}, subset="val")
    with pytest.raises(UserError, match="'testing' holds no action instance"):
        read(tmp_path, {"database": DATABASE}, subset="testing")


def test_no_usual_subset(tmp_path):
    database = {name: video(name, ("x", 0, 1)) for name in ("mine", "yours")}
    with pytest.raises(UserError, match=r"choose --subset: 'mine' \(1 of 1 videos annotated\), 'yours'"):
        read(tmp_path, {"database": database})


@pytest.mark.parametrize(
    "content, words",
    [
        ('{"database": {"v": {"subset": "tra', "is not JSON or was cut short"),
        ([], 'holds no "database" object'),
        ({"results": {}}, 'holds no "database" object'),
        ({"database": {"v": []}}, 'holds no "database" object'),
        ({"database": {"v": {"subset": "test", "annotations": {"x": [0, 1]}}}}, 'holds no "database" object'),
        ({"database": {"v": video("validation", ("x", 0, 10**400))}}, "annotation 0 "),
        ({"database": {}}, "holds no action instance in any subset"),
        ({"database": {"v": video("validation")}}, "holds no action instance in any subset"),
        (
            {"database": {"v": video("validation", (3, 0, 1))}},
            "annotation 0 (counting from 0) of video 'v' has no label",
        ),
        ({"database": {"v": video("validation", ("x", 0, 1), ("x", 0, float("nan")))}}, "annotation 1 "),
        ({"database": {"v": video("validation", ("x", "now", 1))}}, "has segment ['now', 1]"),
        ({"database": {"v": {"subset": "test", "annotations": [{"label": "x", "segment": "12"}]}}}, "has segment '12'"),
        ({"database": {"v": video("test", ("x", 0, 1), ambiguous=[[1]])}}, "ambiguous segment of video 'v'"),
    ],
)
def test_a_broken_file_is_named(tmp_path, content, words):
    with pytest.raises(UserError) as error:
        read(tmp_path, content)
    assert str(error.value).startswith(str(tmp_path)) and words in str(error.value)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.json cannot be read"):
        truth.read(tmp_path / "none.json", subset=None, preferred=(), ambiguous_label=None)
