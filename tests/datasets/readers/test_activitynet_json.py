"""The generic layout: ActivityNet's JSON and one .npy per video and stream."""

import json

import h5py
import msgspec
import numpy as np
import pytest

from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Segment, Video
from wstal.datasets.readers import activitynet_json as reader

GRID = TimeGrid(fps=25.0, stride_f=8, window_f=16)
GRIDS = dict.fromkeys(("rgb", "flow"), GRID)
SOURCE = {
    "annotations": "annotations.json",
    "features": {"rgb": "features/{video}.npy", "flow": "{subset}/flow/v_{video}.npy"},
    "splits": {"train": "training", "test": "validation"},
    "lists": {},
    "exclude": [],
}
CONTENT = {
    "version": "mine",
    "database": {
        "a": {"subset": "training", "duration": 4.0, "url": "…", "annotations": [{"label": "Run", "segment": [0, 2.5]}]},
        "b": {"subset": "training", "duration_second": "6.5", "annotations": [{"label": "Wave"}, {"label": "Bend"}]},
        "c": {"subset": "validation", "duration": 9, "annotations": [{"label": "Wave", "segment": [1.0, 1.0]}]},
        "d": {"subset": "testing", "duration": 9.0, "annotations": []},
    },
}


@pytest.fixture
def source(tmp_path):
    def make(content=CONTENT, **changes):
        (tmp_path / "annotations.json").write_text(json.dumps(content), encoding="utf-8")
        for folder in ("features", "training/flow", "validation/flow"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for video, subset in (("a", "training"), ("b", "training"), ("c", "validation")):
            np.save(tmp_path / "features" / f"{video}.npy", np.ones((7, 3), dtype=np.float16))
            np.save(tmp_path / subset / "flow" / f"v_{video}.npy", np.ones((7, 2), dtype=np.float16))
        return msgspec.convert(SOURCE | {"root": str(tmp_path)} | changes, reader.Source)

    return make


def test_annotations(source):
    found = reader.annotations(source(), GRID)
    assert found.classes == ("Bend", "Run", "Wave")
    assert found.videos == (
        Video("a", "train", 4.0, ("Run",)),
        Video("b", "train", 6.5, ("Bend", "Wave")),
        Video("c", "test", 9.0, ("Wave",)),
    )
    assert found.segments == (Segment("a", "Run", 0.0, 2.5), Segment("c", "Wave", 1.0, 1.0))


def test_class_order_of_the_file(source):
    found = reader.annotations(source(CONTENT | {"classes": ["Wave", "Run", "Bend", "Jump"]}), GRID)
    assert found.classes == ("Wave", "Run", "Bend", "Jump")


def test_classes_do_not_depend_on_what_is_left_out(source):
    assert reader.annotations(source(exclude=["a"]), GRID).classes == ("Bend", "Run", "Wave")


def test_inner_part_alone_and_lists_for_subsets(source, tmp_path):
    inner = {video: {k: v for k, v in entry.items() if k != "subset"} for video, entry in CONTENT["database"].items()}
    (tmp_path / "train.txt").write_text("c\n", encoding="utf-8-sig")
    (tmp_path / "test.txt").write_text("a\nb\nelsewhere\n")
    given = source(inner, lists={"train": "train.txt", "test": "test.txt"}, exclude=["elsewhere"])
    found = reader.annotations(given, GRID)
    ordered = inner | {"classes": ["Wave", "Run", "Bend"]}
    assert reader.annotations(source(ordered, lists=given.lists, exclude=["elsewhere"]), GRID).classes[0] == "Wave"
    assert {video.id: video.subset for video in found.videos} == {"c": "train", "a": "test", "b": "test"}
    with pytest.raises(UserError, match=r"annotations\.json lacks video elsewhere, .*; add it, take it off the list"):
        reader.annotations(source(inner, lists={"train": "train.txt", "test": "test.txt"}), GRID)


def test_byte_order_mark(source, tmp_path):
    given = source()
    (tmp_path / "annotations.json").write_text(json.dumps(CONTENT), encoding="utf-8-sig")
    assert len(reader.annotations(given, GRID).videos) == 3


def test_features(source):
    arrays = dict(reader.features(source(), ("rgb", "flow"), GRIDS))
    assert list(arrays) == ["a", "b", "c"]
    assert arrays["c"]["flow"].shape == (7, 2) and isinstance(arrays["c"]["rgb"], np.memmap)


def test_stream_without_a_pattern(source):
    with pytest.raises(UserError, match=r"params\.yaml: `source\.features` .* stream 'audio'; add it"):
        next(reader.features(source(), ("audio",), GRIDS))
    with pytest.raises(UserError, match=r"params\.yaml: `source\.features` .* stream 'rgb'; add it"):
        next(reader.features(source(features={"rgb": "features/all.npy"}), ("rgb",), GRIDS))


def test_missing_feature_file(source, tmp_path):
    given = source()
    (tmp_path / "features" / "c.npy").unlink()
    with pytest.raises(UserError, match=r"c\.npy is missing; set `source` .*`exclude`"):
        next(reader.features(given, ("rgb",), GRIDS))


def test_truncated_feature_file(source, tmp_path):
    given, path = source(), tmp_path / "features" / "a.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"a\.npy is truncated .*; download or extract it again"):
        next(reader.features(given, ("rgb",), GRIDS))
    path.write_bytes(b"<html>404</html>")
    with pytest.raises(UserError, match=r"a\.npy is truncated or no \.npy file; download it again"):
        next(reader.features(given, ("rgb",), GRIDS))


def test_pickles_are_never_read(source, tmp_path):
    given = source()
    np.save(tmp_path / "features" / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"a\.npy holds pickled objects; save it again"):
        next(reader.features(given, ("rgb",), GRIDS))


BAD = {
    "no duration": ({"subset": "training", "annotations": []}, r'annotations\.json: x has no "duration"; add it'),
    "no annotations": ({"subset": "training", "duration": 1.0}, r"annotations\.json, video x .*`annotations`.*; mend it"),
    "label is a number": ({"annotations": [{"label": 3}]}, r"annotations\.json, video x .*label.*; mend it"),
    "three times": (
        {"annotations": [{"label": "Run", "segment": [1, 2, 3]}]},
        r"annotations\.json, video x .*segment.*; mend it",
    ),
    "not a video": (7, r"annotations\.json, video x .*; mend it"),
}


@pytest.mark.parametrize(("entry", "sentence"), BAD.values(), ids=BAD)
def test_bad_entry(source, entry, sentence):
    with pytest.raises(UserError, match=sentence):
        reader.annotations(source(CONTENT | {"database": {"x": entry}}), GRID)


def test_excluding_an_unknown_video(source):
    with pytest.raises(UserError, match=r"annotations\.json has no video 'z' .*; remove it from `exclude`"):
        reader.annotations(source(exclude=["z"]), GRID)


def test_one_file_for_all_videos(source, tmp_path):
    """An .h5 with a group per video and an .npz with an array per video, stored (D, T)."""
    rng = np.random.default_rng(0)
    values = {video: rng.random((7, 5), dtype=np.float32) for video in "abc"}
    with h5py.File(tmp_path / "all.h5", "w") as file:
        for video, x in values.items():
            file[f"{video}/rgb"] = x
    np.savez(tmp_path / "all.npz", **{f"v_{video}": x.T for video, x in values.items()})
    layouts = {
        "rgb": {"path": "all.h5", "key": "{video}/rgb"},
        "flow": {"path": "all.npz", "key": "v_{video}", "axes": "DT", "columns": [1, 3]},
    }
    found = dict(reader.features(source(features=layouts), ("rgb", "flow"), GRIDS))
    assert list(found) == ["a", "b", "c"]
    for video, x in values.items():
        assert np.array_equal(found[video]["rgb"], x) and np.array_equal(found[video]["flow"], x[:, 1:3])


@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_what_one_file_lacks_is_counted_before_anything_is_read(source, tmp_path, ending):
    if ending == "h5":
        with h5py.File(tmp_path / "all.h5", "w") as file:
            file["a"] = np.ones((7, 5))
    else:
        np.savez(tmp_path / "all.npz", a=np.ones((7, 5)))
    given = source(features={"rgb": {"path": f"all.{ending}", "key": "{video}"}})
    with pytest.raises(UserError, match=rf"all\.{ending} has no array 'b' \(and 1 more\); set `source` .*`exclude`"):
        next(reader.features(given, ("rgb",), GRIDS))


def test_tsn_features(source, tmp_path):
    """Two files per video, a heading of numbers in each, as the features of ActivityNet 2016's winners are published."""
    for folder in ("spatial", "temporal"):
        (tmp_path / folder / "csv_action").mkdir(parents=True)
        for video in "abc":
            (tmp_path / folder / "csv_action" / f"v_{video}.csv").write_text("0,1\n0.5,-1.25e-1\n2,3\n")
    folders = {"rgb": "spatial", "flow": "temporal"}
    layouts = {s: {"path": f"{f}/csv_action/v_{{video}}.csv", "header_lines": 1} for s, f in folders.items()}
    for _, arrays in reader.features(source(features=layouts), ("rgb", "flow"), GRIDS):
        assert np.array_equal(arrays["flow"], [[0.5, -0.125], [2, 3]])


def test_where_people_get_the_files_ends_the_sentence(source, tmp_path):
    given = source(obtain="an archive at example.org")
    (tmp_path / "features" / "a.npy").unlink()
    expected = r"a\.npy is missing; .*annotations\.json, features/\{video\}\.npy, .* from an archive at example\.org"
    with pytest.raises(UserError, match=expected):
        next(reader.features(given, ("rgb",), GRIDS))


def test_videos(source, tmp_path):
    for folder, file in (("training", "v_a.mp4"), ("training", "v_b.webm"), ("validation", "v_c.mkv")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / file).touch()
    found = reader.videos(source(videos="{subset}/v_{video}"))
    assert {video: path.name for video, path in found.items()} == {"a": "v_a.mp4", "b": "v_b.webm", "c": "v_c.mkv"}
    assert list(reader.videos(source(videos="{subset}/v_{video}.mp4", exclude=["b", "c"]))) == ["a"]
    with pytest.raises(UserError, match=r"has no video 'v_c\.mp4'; put it there, or leave the video out with `exclude`"):
        reader.videos(source(videos="{subset}/v_{video}.mp4", exclude=["b"]))
    with pytest.raises(UserError, match=r"clips is no folder; put the videos there"):
        reader.videos(source(videos="clips/{video}"))
    for pattern in (None, "clips/video.mp4", "{video}/film.mp4"):
        with pytest.raises(UserError, match=r"`source.videos` needs a path with \{video\} in the file's name"):
            reader.videos(source(videos=pattern))


def test_all_faulty_videos_are_one_answer(source):
    entries = {f"v{i}": {"subset": "training", "duration": 3.0} for i in range(3)} | {"w": {"annotations": [{"label": 3}]}}
    with pytest.raises(UserError) as caught:
        reader.annotations(source(CONTENT | {"database": CONTENT["database"] | entries}), GRID)
    said = str(caught.value)
    assert said.count("annotations.json") == 1 and all(f"video {name} is not as expected" in said for name in ("v0", "v2", "w"))
    lengths = {f"v{i}": {"subset": "training", "annotations": []} for i in range(30)}
    with pytest.raises(UserError, match=r'v0 has no "duration"; v1 .* v19 has no "duration" \(and 10 more\); add it'):
        reader.annotations(source(CONTENT | {"database": CONTENT["database"] | lengths}), GRID)


def test_labels_are_tidied_and_empty_ones_refused(source):
    annotations = [{"label": "Wave "}, {"label": "Cafe\u0301"}, {"label": "Run"}]
    entry = {"a": {"subset": "training", "duration": 4.0, "annotations": annotations}}
    found = reader.annotations(source({"classes": ["Wave", "Caf\u00e9 ", "Run"], "database": entry}), GRID)
    assert found.classes == ("Wave", "Caf\u00e9", "Run") and found.videos[0].labels == ("Caf\u00e9", "Run", "Wave")
    (note,) = found.notes
    assert note.startswith("tidied label: ") and "'Wave ' is read as 'Wave'" in note
    for empty in ("", "  "):
        annotations[0]["label"] = empty
        with pytest.raises(UserError, match=r"annotations\.json: a label is empty; write the name of a class"):
            reader.annotations(source({"database": entry}), GRID)


def test_videos_in_both_lists_are_one_answer(source, tmp_path):
    for name in ("train", "test"):
        (tmp_path / f"{name}.txt").write_text("a\nb\n")
    with pytest.raises(UserError, match=r"video a is in the lists of train and test; video b is .*; keep it in one"):
        reader.annotations(source(lists={"train": "train.txt", "test": "test.txt"}), GRID)


def test_a_video_twice_in_a_list_is_named(source, tmp_path):
    (tmp_path / "train.txt").write_text("a\nb\na\n")
    (tmp_path / "test.txt").write_text("c\n")
    with pytest.raises(UserError, match="video a is 2 times in the list of train; keep it once"):
        reader.annotations(source(lists={"train": "train.txt", "test": "test.txt"}), GRID)
    (tmp_path / "train.txt").write_text("a\nb d\nc e f\n")
    with pytest.raises(UserError, match=r"train\.txt: entry 2 has 2 fields; entry 3 has 3 fields; write one video id a line"):
        reader.annotations(source(lists={"train": "train.txt", "test": "test.txt"}), GRID)
