"""BaS-Net's layout: text times, split files, no durations."""

import json

import msgspec
import numpy as np
import pytest

from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Segment, Video
from wstal.datasets.readers import thumos14_basnet as reader

GRID = TimeGrid(fps=25.0, stride_f=16, window_f=16)
GRIDS = dict.fromkeys(("rgb", "flow"), GRID)
SOURCE = {"durations": None, "ambiguous": None, "splits": {"train": "train", "test": "test"}, "exclude": []}
TRUTH = {
    "val_1": {"subset": "train", "annotations": [{"segment": ["1.0", "2.5"], "label": "Shotput"}]},
    "test_1": {
        "subset": "test",
        "annotations": [{"segment": ["18.6", "24.8"], "label": "HighJump"}, {"segment": ["3", "4"], "label": "Diving"}],
    },
    "test_2": {"subset": "test", "annotations": []},
}


@pytest.fixture
def source(tmp_path):
    def make(truth=TRUTH, features=(("train", "val_1", 31), ("test", "test_1", 46), ("test", "test_2", 5)), **changes):
        (tmp_path / "gt.json").write_text(json.dumps({"database": truth}))
        (tmp_path / "split_train.txt").write_text("val_1\n")
        (tmp_path / "split_test.txt").write_text("test_1\r\ntest_2")
        for subset, video, snippets in features:
            for stream, value in (("rgb", 1.0), ("flow", 2.0)):
                folder = tmp_path / "features" / subset / stream
                folder.mkdir(parents=True, exist_ok=True)
                np.save(folder / f"{video}.npy", np.full((snippets, 4), value, dtype=np.float32))
        return msgspec.convert(SOURCE | {"root": str(tmp_path)} | changes, reader.Source)

    return make


def test_annotations(source):
    found = reader.annotations(source(), GRID)
    assert found.classes == ("Diving", "HighJump", "Shotput")
    assert found.videos == (
        Video("val_1", "train", 31 * 16 / 25, ("Shotput",)),
        Video("test_1", "test", 46 * 16 / 25, ("Diving", "HighJump")),
        Video("test_2", "test", 5 * 16 / 25, ()),
    )
    assert found.segments[1] == Segment("test_1", "HighJump", 18.6, 24.8)


def test_duration_is_what_the_grid_covers(source):
    dense = TimeGrid(fps=25.0, stride_f=8, window_f=16)
    assert reader.annotations(source(), dense).videos[0].duration_s == (30 * 8 + 16) / 25


def test_durations_without_features(source, tmp_path):
    (tmp_path / "durations.json").write_text('{"test_2": 12.5, "val_1": 99.0}')
    found = reader.annotations(source(features=[("train", "val_1", 31)], durations="durations.json"), GRID)
    assert [video.duration_s for video in found.videos] == [31 * 16 / 25, 24.8, 12.5]


def test_no_way_to_a_duration(source):
    with pytest.raises(UserError, match=r"gt\.json: test_2 has neither .*; give one in `source\.durations`"):
        reader.annotations(source(features=[]), GRID)


def test_ambiguous_times_of_listed_videos(source, tmp_path):
    (tmp_path / "Ambiguous_test.txt").write_text("test_1  0.0 1.4\ntest_3  1.0 2.0\n")
    found = reader.annotations(source(ambiguous="Ambiguous_test.txt"), GRID)
    assert found.ambiguous == (Segment("test_1", "Ambiguous", 0.0, 1.4),)


def test_features_are_mapped_and_in_their_stream(source):
    arrays = dict(reader.features(source(exclude=["test_2"]), ("flow", "rgb"), GRIDS))
    assert list(arrays) == ["val_1", "test_1"]
    assert isinstance(arrays["val_1"]["rgb"], np.memmap)
    assert arrays["test_1"]["flow"].shape == (46, 4) and arrays["test_1"]["flow"][0, 0] == 2.0


def test_missing_feature_files_are_found_before_any_is_read(source):
    videos = reader.features(source(features=[("train", "val_1", 31)]), ("rgb", "flow"), GRIDS)
    with pytest.raises(UserError, match=r"test_1\.npy \(and 3 more\) is missing; .* github\.com/Pilhyeon/BaSNet"):
        next(videos)


def test_split_names_a_video_without_truth(source):
    with pytest.raises(UserError, match=r"gt\.json lacks video test_1 \(and 1 more\), .*; add it, take it off the list"):
        reader.annotations(source(truth={"val_1": TRUTH["val_1"]}), GRID)


def test_split_line_with_two_fields(source, tmp_path):
    given = source()
    (tmp_path / "split_test.txt").write_text("test_1\ntest_2 7\n")
    with pytest.raises(UserError, match=r"split_test\.txt: entry 2 has 2 fields; write one video id a line"):
        reader.annotations(given, GRID)


def test_time_that_is_no_number(source):
    truth = TRUTH | {"val_1": {"annotations": [{"segment": ["1.0", "soon"], "label": "Shotput"}]}}
    with pytest.raises(UserError, match=r"gt\.json, video val_1 .*segment\[1\].*; mend it"):
        reader.annotations(source(truth=truth), GRID)


def test_missing_and_broken_json(source, tmp_path):
    given = source()
    (tmp_path / "gt.json").write_text('{"database": {"val_1"')
    with pytest.raises(UserError, match=r"gt\.json is not as expected .*; mend it or download it again"):
        reader.annotations(given, GRID)
    (tmp_path / "gt.json").unlink()
    with pytest.raises(UserError, match=r"gt\.json is missing; set `source\.root`"):
        reader.annotations(given, GRID)
