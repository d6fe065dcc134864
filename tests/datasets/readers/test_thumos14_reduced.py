"""W-TALC's layout on two training and two test videos."""

import msgspec
import numpy as np
import pytest

from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Segment, Video
from wstal.datasets.readers import thumos14_reduced as reader

GRID = TimeGrid(fps=25.0, stride_f=16, window_f=16)
GRIDS = dict.fromkeys(("rgb", "flow"), GRID)
SOURCE = {
    "root": "",
    "features": "Thumos14reduced-I3D-JOINTFeatures.npy",
    "annotations": "Thumos14reduced-Annotations",
    "ambiguous": "Ambiguous_test.txt",
    "columns": {"rgb": [0, 3], "flow": [3, 6]},
    "video_labels": "labels_all",
    "splits": {"train": "validation", "test": "test"},
    "exclude": [],
}


def objects(items: list) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


ARRAYS = {
    "classlist": np.array([b"CliffDiving", b"Diving", b"Shotput"]),
    "videoname": np.array([b"val_1", b"val_2", b"test_1", b"test_2"]),
    "subset": np.array([b"validation", b"validation", b"test", b"test"]),
    "duration": np.array([[20.0], [10.5], [8.0], [30.0]]),
    "labels_all": objects([["Diving", "CliffDiving"], [b"Shotput"], [b"Diving"], []]),
    "labels": objects([["Diving", "CliffDiving"], [b"Shotput"], [b"Diving"], [b"Diving", b"Shotput"]]),
    "segments": objects([[[1.0, 2.5], [1.0, 2.5]], [[3.0, 4.0]], [[0.5, 7.0]], [[1.0, 2.0], [2.0, 3.0]]]),
}


@pytest.fixture
def source(tmp_path):
    """Writes the layout, with what a test changes, and returns the source."""

    def make(arrays=(), lines="test_1  0.0 1.4\ntest_2  5.7 7.25\nelsewhere  1.0 2.0\n", features=None, **changes):
        folder = tmp_path / "Thumos14reduced-Annotations"
        folder.mkdir()
        for name, array in {**ARRAYS, **dict(arrays)}.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=True)
        (folder / "Ambiguous_test.txt").write_text(lines)
        if features is None:
            features = objects([np.arange(6 * t, dtype=np.float32).reshape(t, 6) for t in (31, 16, 12, 46)])
        np.save(tmp_path / SOURCE["features"], features, allow_pickle=True)
        return msgspec.convert(SOURCE | {"root": str(tmp_path)} | changes, reader.Source)

    return make


def test_annotations(source):
    found = reader.annotations(source(), GRID)
    assert found.classes == ("CliffDiving", "Diving", "Shotput")
    assert found.videos[0] == Video("val_1", "train", 20.0, ("CliffDiving", "Diving"))
    assert [video.subset for video in found.videos] == ["train", "train", "test", "test"]
    assert found.videos[3].labels == ()
    assert found.segments[2] == Segment("val_2", "Shotput", 3.0, 4.0)
    assert len(found.segments) == 6
    assert all(type(label) is str for video in found.videos for label in video.labels)


def test_two_blanks_after_the_name_of_an_ambiguous_video(source):
    found = reader.annotations(source(), GRID).ambiguous
    assert found == (Segment("test_1", "Ambiguous", 0.0, 1.4), Segment("test_2", "Ambiguous", 5.7, 7.25))


def test_one_blank_or_a_tab_means_the_same(source):
    found = reader.annotations(source(lines="test_1 0.0 1.4\n\n test_2\t5.7  7.25\n"), GRID).ambiguous
    assert [segment.end_s for segment in found] == [1.4, 7.25]


@pytest.mark.parametrize("line", ["test_1  0.0", "test_1  0.0 1.0 2.0", "test_1  zero 1.0", "test_1 "])
def test_ambiguous_line_of_another_kind(source, line):
    with pytest.raises(UserError, match=r"Ambiguous_test\.txt: entry 2 is .*; write `video start end`"):
        reader.annotations(source(lines=f"test_1  0.0 1.4\n{line}\n"), GRID)


def test_without_ambiguous_file(source):
    assert reader.annotations(source(lines="nothing of the kind", ambiguous=None), GRID).ambiguous == ()


def test_video_labels_of_the_segments(source):
    found = reader.annotations(source(video_labels="labels"), GRID)
    assert found.videos[3].labels == ("Diving", "Shotput")


def test_excluded_and_unlisted_videos_are_left_out(source):
    given = source(exclude=["test_1"])
    assert [video.id for video in reader.annotations(given, GRID).videos] == ["val_1", "val_2", "test_2"]
    assert [video for video, _ in reader.features(given, ("rgb",), GRIDS)] == ["val_1", "val_2", "test_2"]
    assert {segment.video for segment in reader.annotations(given, GRID).ambiguous} == {"test_2"}


def test_features_are_rgb_first(source):
    arrays = dict(reader.features(source(), ("rgb", "flow"), GRIDS))
    assert list(arrays) == ["val_1", "val_2", "test_1", "test_2"]
    assert arrays["val_1"]["rgb"][1].tolist() == [6, 7, 8] and arrays["val_1"]["flow"][1].tolist() == [9, 10, 11]
    assert arrays["test_2"]["flow"].shape == (46, 3)


def test_one_joint_stream_from_a_plain_array(source):
    given = source(features=np.zeros((4, 5, 6), dtype=np.float16), columns={"joint": [0, 6]})
    assert [arrays["joint"].shape for _, arrays in reader.features(given, ("joint",), GRIDS)] == [(5, 6)] * 4


BAD = {
    "a video too few": ({"segments": ARRAYS["segments"][:3]}, r"Annotations: .*differ in length .*; download all files"),
    "subsets too few": ({"subset": ARRAYS["subset"][:3]}, r"Annotations: .*differ in length .*; download all files"),
    "a label too few": ({"labels": objects([["Diving"], [], [], []])}, r"segments\.npy: val_1 .*; download both"),
    "a lone time": ({"segments": objects([[[1.0, 2.5], [1.0]], [], [], []])}, r"segments\.npy: val_1 .*; download both"),
    "a number as label": ({"labels_all": objects([[7], [], [], []])}, r"labels_all\.npy holds 7 .*; download it again"),
}


@pytest.mark.parametrize(("arrays", "sentence"), BAD.values(), ids=BAD)
def test_inconsistent_arrays(source, arrays, sentence):
    with pytest.raises(UserError, match=sentence):
        reader.annotations(source(arrays), GRID)


def test_missing_files(source, tmp_path):
    given = source()
    (tmp_path / "Thumos14reduced-Annotations" / "segments.npy").unlink()
    with pytest.raises(UserError, match=r"segments\.npy is missing; set `source\.root` .* github\.com/sujoyp"):
        reader.annotations(given, GRID)
    (tmp_path / SOURCE["features"]).unlink()
    with pytest.raises(UserError, match=r"JOINTFeatures\.npy is missing; set `source\.root`"):
        list(reader.features(given, ("rgb",), GRIDS))


def test_excluding_an_unknown_video(source):
    with pytest.raises(UserError, match=r"videoname\.npy has no video 'test_9' .*; remove it from `exclude`"):
        reader.annotations(source(exclude=["test_9"]), GRID)


def test_features_of_another_number_or_width(source, tmp_path):
    given = source(features=objects([np.zeros((4, 6))] * 3 + [np.zeros((4, 5))]))
    with pytest.raises(UserError, match=r"the array of test_2 has shape \(4, 5\), .*; mend `source\.columns`"):
        list(reader.features(given, ("flow",), GRIDS))
    np.save(tmp_path / SOURCE["features"], objects([np.zeros((4, 6)), np.zeros((5, 6))]), allow_pickle=True)
    with pytest.raises(UserError, match=r"differ in length .*JOINTFeatures\.npy': 2.*; download all files"):
        list(reader.features(given, ("rgb",), GRIDS))
    with pytest.raises(UserError, match=r"params\.yaml: stream 'depth' .*; add its columns"):
        list(reader.features(given, ("depth",), GRIDS))


def test_activitynet_lies_in_the_same_layout(source, tmp_path):
    """W-TALC's ActivityNet 1.2: other names of files and subsets, no ambiguous times."""
    given = source({"subset": np.array([b"training", b"validation", b"training", b"testing"])}, ambiguous=None)
    (tmp_path / "Thumos14reduced-Annotations").rename(tmp_path / "ActivityNet1.2-Annotations")
    (tmp_path / SOURCE["features"]).rename(tmp_path / "ActivityNet1.2-I3D-JOINTFeatures.npy")
    names = {"features": "ActivityNet1.2-I3D-JOINTFeatures.npy", "annotations": "ActivityNet1.2-Annotations"}
    given = msgspec.structs.replace(given, **names, splits={"train": "training", "test": "validation"})
    found = reader.annotations(given, GRID)
    assert {v.id: v.subset for v in found.videos} == {"val_1": "train", "val_2": "test", "test_1": "train"}
    assert [video for video, _ in reader.features(given, ("rgb", "flow"), GRIDS)] == ["val_1", "val_2", "test_1"]
