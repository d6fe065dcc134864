"""Layouts, read back by our own readers and by code written after that of each repository."""

import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import yaml

from wstal.app import cli
from wstal.base import paths
from wstal.base.conversion import convert
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.datasets import annotations, readers
from wstal.exchange.layouts import _objects, exported_dataset, registry
from wstal.features.extraction.importer import import_features

GRID = TimeGrid(fps=25.0, stride_f=16, window_f=16)
MADE = Annotations(
    classes=("Never", "Wave", "Übung, zwei"),
    videos=(
        Video("one", "train", 6.4, ("Wave", "Übung, zwei")), Video("two", "train", 3.3, ("Wave",)),
        Video("v_3", "test", 3.2, ("Wave",)), Video("none", "test", 4.0, ()),
    ),
    segments=(
        Segment("one", "Wave", 0.0, 6.4), Segment("one", "Übung, zwei", 1.125, 2.0), Segment("two", "Wave", 0.5, 1.0),
        Segment("v_3", "Wave", 1.0, 2.0), Segment("v_3", "Wave", 1.5, 2.5),
    ),
    ambiguous=(Segment("v_3", "Ambiguous", 0.123456, 0.5),),
)  # fmt: skip
LENGTHS = {"one": 10, "two": 5, "v_3": 5, "none": 4}  # of the last one, two fewer than it lasts
DIMS = {"rgb": 4, "flow": 3}
NAMES = ("acmnet", "actionformer", "activitynet", "cmcs", "wtalc")


def arrays(lengths=LENGTHS, dims=DIMS):
    rng = np.random.default_rng(0)
    return {
        video: {stream: rng.normal(size=(length, dim)).astype(np.float32) for stream, dim in dims.items()}
        for video, length in lengths.items()
    }


def prepared(folder, made=MADE, items=None, grids=None):
    """The dataset `mine`, prepared below a folder."""
    tree, items = Tree(folder), arrays() if items is None else items
    annotations.write(made, tree.annotations("mine"), origin="here")
    import_features(items.items(), grids or dict.fromkeys(DIMS, GRID), made, tree.features("mine"), backbone="x", slack_s=9.0)
    return exported_dataset.read("mine", tree.annotations("mine"), tree.features("mine"), tuple(DIMS))


@pytest.fixture
def data(tmp_path):
    return prepared(tmp_path)


def test_of_a_dataset_that_is_redrawn_the_first_draw_is_taken(tmp_path):
    drawn = tuple(replace(video, draw=2 if video.id in ("two", "v_3") else 5) for video in MADE.videos)
    found = prepared(tmp_path, replace(MADE, videos=drawn))
    assert [video.id for video in found.videos] == ["two", "v_3"] and [video.id for video in found.subset("train")] == ["two"]


def joint(video):
    return np.concatenate([*arrays()[video].values()], axis=1)


def read(reader, out, **section):
    """(annotations, {video: {stream: array}}) by one of our readers."""
    module = readers.load(reader)
    where = convert({"root": str(out)} | section, module.Source, "here")
    grids = dict.fromkeys(DIMS, GRID)
    return module.annotations(where, GRID), {video: found for video, found in module.features(where, tuple(DIMS), grids)}


SIDE_BY_SIDE = {"rgb": {"columns": [0, 4]}, "flow": {"columns": [4, 7]}}
OURS = {  # how our readers read what is written with the layout's own names of subsets
    "wtalc": ("thumos14_reduced", {
        "features": "mine-I3D-JOINTFeatures.npy", "annotations": "mine-Annotations", "ambiguous": "Ambiguous_test.txt",
        "columns": {"rgb": [0, 4], "flow": [4, 7]}, "video_labels": "labels_all",
        "splits": {"train": "validation", "test": "test"}, "exclude": [],
    }),
    "acmnet": ("activitynet_json", {
        "annotations": "gt.json", "splits": {"train": "train", "test": "test"},
        "lists": {"train": "split_train.txt", "test": "split_test.txt"},
        "features": {stream: {"path": "{subset}/{video}.npy"} | columns for stream, columns in SIDE_BY_SIDE.items()},
    }),
    "actionformer": ("activitynet_json", {
        "annotations": "annotations.json", "splits": {"train": "training", "test": "validation"},
        "features": {stream: {"path": "features/{video}.npy"} | columns for stream, columns in SIDE_BY_SIDE.items()},
    }),
    "activitynet": ("activitynet_json", {
        "annotations": "annotations.json", "splits": {"train": "training", "test": "validation"},
        "features": {stream: f"features/{stream}/{{video}}.npy" for stream in DIMS},
    }),
    "cmcs": ("activitynet_json", {
        "annotations": "annotations.json", "splits": {"train": "training", "test": "validation"},
        "features": {
            stream: {"path": f"{stream}-resize-step16/v_{{video}}-{stream}.npz", "key": "feature", "axes": "1TD"}
            for stream in DIMS
        },
    }),
}  # fmt: skip


def of(found, sort=sorted):
    return (found.classes, sort(found.videos, key=lambda video: video.id), sort(found.segments, key=repr))


@pytest.mark.parametrize("name", NAMES)
def test_our_readers_read_what_was_there(data, tmp_path, name):
    registry.write(name, data, None, tmp_path / "out")
    found, features = read(OURS[name][0], tmp_path / "out", **OURS[name][1])
    assert of(found) == of(MADE)
    assert found.ambiguous == (MADE.ambiguous if name == "wtalc" else ())
    for video, streams in arrays().items():
        for stream, array in streams.items():
            assert np.array_equal(features[video][stream], array) and features[video][stream].dtype == np.float32
    assert set(features) == set(LENGTHS)


def test_every_layout_is_tested_and_listed(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["export", "--help"])
    text = capsys.readouterr().out
    listed = text[text.index("layouts:\n") :].splitlines()[1:6]
    assert sorted(line.split()[0] for line in listed) == sorted(registry.known()) == sorted(OURS)


def test_wtalcs_code_reads_them(data, tmp_path):
    """After video_dataset.py, detectionMAP.py and CO2-Net's AntSampleDataset."""
    registry.write("wtalc", data, ("training", "validation"), tmp_path / "out")
    place = tmp_path / "out" / "mine-Annotations"
    load = {
        name: np.load(place / f"{name}.npy", allow_pickle=True, encoding="bytes")
        for name in ("segments", "labels", "labels_all")
    }
    names, subsets, classes, durations = (
        np.load(place / f"{name}.npy") for name in ("videoname", "subset", "classlist", "duration")
    )
    assert [name.decode("utf-8") for name in names] == ["none", "one", "two", "v_3"]
    assert [name.decode("utf-8") for name in subsets] == ["validation", "training", "training", "validation"]
    assert [name.decode("utf-8") for name in classes] == list(MADE.classes) and durations[1, 0] == 6.4
    assert [len(segments) for segments in load["segments"]] == [0, 2, 1, 2]
    assert load["segments"][1][1][0] == 1.125 and load["labels"][3] == ["Wave", "Wave"]
    assert [[label == b"Wave".decode("utf-8") for label in labels] for labels in load["labels_all"]] == [
        [],
        [True, False],
        [True],
        [True],
    ]
    features = np.load(tmp_path / "out" / "mine-I3D-JOINTFeatures.npy", allow_pickle=True, encoding="bytes")
    assert features.dtype == object and type(features[0]) is np.ndarray
    for array, video in zip(features, ("none", "one", "two", "v_3"), strict=True):
        assert np.array_equal(array, joint(video)) and array.flags.writeable
    (line,) = [line.strip("\n").split(" ") for line in (place / "Ambiguous_test.txt").read_text().splitlines()]
    assert (line[0], float(line[2]), float(line[3])) == ("v_3", 0.123456, 0.5)


def test_acmnets_code_reads_them(data, tmp_path):
    """After ACMDataset in dataset/dataset_class.py."""
    registry.write("acmnet", data, None, tmp_path / "out")
    database = json.loads((tmp_path / "out" / "gt.json").read_text())["database"]
    for subset, expected in (("train", ["one", "two"]), ("test", ["none", "v_3"])):
        listed = [item.strip() for item in (tmp_path / "out" / f"split_{subset}.txt").read_text().splitlines()]
        assert listed == expected
        for video in listed:
            assert {one["label"] for one in database[video]["annotations"]} <= set(MADE.classes) and database[video][
                "duration"
            ] > 3
            assert database[video]["subset"] == {"train": "train", "test": "val"}[subset]  # main_act.py
            assert np.array_equal(np.load(tmp_path / "out" / subset / f"{video}.npy"), joint(video))


def test_cmcs_code_reads_them(data, tmp_path):
    """After utils.py: frames that make as many snippets as there are, one rate, classes by number."""
    registry.write("cmcs", data, None, tmp_path / "out")
    for video, length in LENGTHS.items():
        file = np.load(tmp_path / "out" / "rgb-resize-step16" / f"v_{video}-rgb.npz")
        count = file["frame_cnt"].item()
        ticks = np.arange(0, (count - 16) // 16 * 16 + 1, 16)
        assert file["feature"].shape == (1, length, 4) and len(ticks) == length
        assert abs(count - 25 * next(v.duration_s for v in MADE.videos if v.id == video)) < 32
    names, numbers = (
        np.load(tmp_path / "out" / "misc" / f"new_cls_{x}_anet13.npy", allow_pickle=True).item() for x in ("names", "indices")
    )
    assert names == {0: "Never", 1: "Wave", 2: "Übung, zwei", 3: "Background"} and numbers["Übung, zwei"] == 2
    content = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert content["taxonomy"][2]["nodeName"] == "Wave" and all(
        one["segment"] for one in content["database"]["one"]["annotations"]
    )


def test_actionformers_code_reads_them(data, tmp_path):
    """After ActivityNetDataset in libs/datasets/anet.py: as many classes as annotations name, numbered without gaps."""
    registry.write("actionformer", data, None, tmp_path / "out")
    config = yaml.safe_load((tmp_path / "out" / "dataset.yaml").read_text())
    database = json.loads((tmp_path / "out" / config["dataset"]["json_file"]).read_text())["database"]
    numbers = {one["label"]: one["label_id"] for entry in database.values() for one in entry["annotations"]}
    assert numbers == {"Wave": 0, "Übung, zwei": 1} and config["dataset"]["num_classes"] == len(numbers)
    assert {entry["fps"] for entry in database.values()} == {25.0} == {config["dataset"]["default_fps"]}
    train = [video for video, entry in database.items() if entry["subset"].lower() in config["train_split"]]
    assert train == ["one", "two"] and config["val_split"] == ["validation"]
    array = np.load(tmp_path / "out" / config["dataset"]["feat_folder"] / f"one{config['dataset']['file_ext']}")
    assert array.shape == (10, config["dataset"]["input_dim"]) and config["dataset"]["feat_stride"] == 16


@pytest.fixture
def weak(tmp_path):
    """A dataset whose training videos have labels without times."""
    return prepared(tmp_path / "weak", Annotations(MADE.classes, MADE.videos, MADE.segments[3:], ()))


@pytest.mark.parametrize("name", ["activitynet", "acmnet", "wtalc"])
def test_weak_labels_need_no_times(weak, tmp_path, name):
    registry.write(name, weak, None, tmp_path / "out")
    found, _ = read(OURS[name][0], tmp_path / "out", **OURS[name][1])
    assert sorted(found.videos, key=lambda v: v.id) == sorted(MADE.videos, key=lambda v: v.id)
    assert found.segments == MADE.segments[3:]


@pytest.mark.parametrize("name", ["actionformer", "cmcs"])
def test_layouts_that_need_times_say_so_and_leave_nothing(weak, tmp_path, name):
    with pytest.raises(UserError, match="training video 'one' has label 'Wave' without times"):
        registry.write(name, weak, None, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["weak"]


def test_cmcs_reads_one_rate(tmp_path):
    data = prepared(tmp_path, grids=dict.fromkeys(DIMS, TimeGrid(30.0, 16, 16)))
    with pytest.raises(UserError, match="has features of 30 frames a second, CMCS reads 25"):
        registry.write("cmcs", data, None, tmp_path / "out")


def test_streams_on_several_grids_cannot_be_joined(tmp_path):
    items = arrays()
    grids = {"rgb": GRID, "flow": TimeGrid(25.0, 8, 16)}
    for streams in items.values():
        streams["flow"] = np.repeat(streams["flow"], 2, axis=0)
    with pytest.raises(UserError, match="different time grids"):
        prepared(tmp_path, items=items, grids=grids)


def test_memory_does_not_grow_with_the_videos(tmp_path):
    """40 videos of 1 MB in two streams: a few of them at a time."""
    lengths = {f"v{n:02}": 500 for n in range(40)}
    videos = [Video(name, "train" if n % 2 else "test", 320.0, ("Wave",)) for n, name in enumerate(lengths)]
    made = Annotations(("Wave",), tuple(videos), tuple(Segment(name, "Wave", 1.0, 2.0) for name in lengths))
    data = prepared(tmp_path, made, arrays(lengths, {"rgb": 256, "flow": 256}))
    for name in NAMES:
        tracemalloc.start()
        registry.write(name, data, None, tmp_path / name)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 6e6, name


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f4", "float64", "int64", "bool"])
@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3)])
def test_object_arrays_are_numpys(tmp_path, dtype, shape):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    items = [array, array.T[::-1], "Übung", 2.5, [], [["a", 1.0]], {0: "x", "y": 7}, -3]
    _objects.save(tmp_path / "x.npy", (len(items),), items)
    found = np.load(tmp_path / "x.npy", allow_pickle=True)
    assert found.shape == (len(items),) and [*found[2:]] == items[2:]
    assert np.array_equal(found[0], array) and np.array_equal(found[1], array.T[::-1])


def test_other_things_are_no_items(tmp_path):
    with pytest.raises(TypeError, match="has no place"):
        _objects.save(tmp_path / "x.npy", (1,), [np.array(["text"])])


@pytest.fixture
def here(tmp_path, monkeypatch, raw):
    """The repository's own tree in a scratch folder, with thumos14-sim's place taken by `mine`."""
    prepared(tmp_path)
    for name in ("annotations", "features"):
        (tmp_path / "data" / name / "mine").rename(tmp_path / "data" / name / "thumos14-sim")
    monkeypatch.setattr(paths, "PIPELINE", Tree(tmp_path))
    return tmp_path


def test_the_command_writes_and_refuses(here, capsys):
    command = ["export", "thumos14-sim", "--layout", "wtalc", "--out", str(here / "out")]
    assert cli.main(command) == 0
    assert capsys.readouterr().out == f"{here / 'out'}: 4 videos in the layout wtalc\n"
    assert sorted(path.name for path in (here / "out").iterdir()) == [
        "thumos14-sim-Annotations",
        "thumos14-sim-I3D-JOINTFeatures.npy",
    ]
    assert cli.main(command) == 1 and "out exists; name a new folder" in capsys.readouterr().err
    assert cli.main(["export", "thumos14", "--layout", "wtalc", "--out", str(here / "o")]) == 1
    assert "videos.json is missing; make it first" in capsys.readouterr().err
    (here / "file").write_text("")
    assert (
        cli.main([*command[:-1], str(here / "file" / "out")]) == 1
        and "cannot be written (Not a directory)" in capsys.readouterr().err
    )
    assert cli.main(["export", "nothing", "--layout", "wtalc", "--out", str(here / "o")]) == 1
    assert "'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more", [["--layout", "bsn"], ["--layout", "wtalc", "--subsets", "a"], ["--layout", "wtalc", "--subsets", "a,a"]]
)
def test_wrong_layouts_and_subsets_are_a_wrong_command_line(more, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["export", "thumos14-sim", "--out", "x", *more])
    assert "write one of acmnet" in (said := capsys.readouterr().err) or "are no two names" in said
