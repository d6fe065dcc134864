"""The committed sections of ActivityNet 1.2, ActivityNet 1.3 and HACS on small files in the layouts of their authors."""

import csv
import json

import numpy as np
import pytest

from tests.made import dataset_plan
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.base.types import Segment, Video
from wstal.data.store import FeatureStore
from wstal.datasets import prepare

RNG = np.random.default_rng(0)


def rows(seconds, grid, dim):
    """Features that cover a video of so many seconds: (T, dim) float32."""
    snippets = int((seconds * grid["fps"] - grid["window_f"]) // grid["stride_f"]) + 1
    return RNG.random((snippets, dim), dtype=np.float32)


def activitynet12(root, grid):
    """The official file of version 1.2 as CMCS thinned it out; an .npz per video and stream, (1, T, 1024)."""
    database = {
        "5wOmHw6Boj8": entry("training", 39.59, [("Washing dishes", 1.63552, 6.1409), ("Washing dishes", 18.54615, 25.3968)]),
        "v_UmAH95xls": entry("validation", 20.0, [("Capoeira", 0, 0), ("Polishing shoes", 2.5, 19.75)]),
        "AAAAAAAAAAA": entry("testing", 30.0, []),
    }
    content = {"version": "VERSION 1.2", "taxonomy": [{"nodeName": "Root", "nodeId": 0}], "database": database}
    (root / "activity_net.v1-2.min-missing-removed.json").write_text(json.dumps(content))
    for stream in ("rgb", "flow"):
        folder = root / f"{stream}-resize-step16"
        folder.mkdir()
        for video in ("5wOmHw6Boj8", "v_UmAH95xls"):
            feature = rows(database[video]["duration"], grid, 1024)[None]
            np.savez(folder / f"v_{video}-{stream}.npz", feature=feature, frame_cnt=np.array(16 * feature.shape[1]))


def activitynet13(root, grid):
    """ACM-Net's gt.json, lists and joint features, (T, 2048)."""
    database = {
        "v_AoRk69eieek": entry("training", 94.14, [("Pole vault", 18.72, 94.14)]),
        "v_I0yNAIWHcQQ": entry("validation", 30.0, [("Archery", 3, 4.5)]),
        "v_unlisted000": entry("validation", 30.0, [("Zumba", 3, 4.5)]),
    }
    (root / "gt.json").write_text(json.dumps({"database": database}))
    for folder, video in (("train", "v_AoRk69eieek"), ("test", "v_I0yNAIWHcQQ")):
        (root / f"split_{folder}.txt").write_text(f"{video}\n")
        (root / folder).mkdir()
        np.save(root / folder / f"{video}.npy", rows(database[video]["duration"], grid, 2048))


def hacs(root, grid):
    """HACS Segments: durations are strings; SlowFast features, and the list of videos without any."""
    database = {
        "--0edUL8zmA": entry("training", "92.166667", [("Dodgeball", 5.40, 11.60), ("Dodgeball", 12.60, 88.16)]),
        "gone0000000": entry("training", "12.0", [("Archery", 1, 2)]),
        "a2X2hz1G6i8": entry("validation", "20.5", [("Archery", 1.25, 20.5)]),
        "NUdji_CqvcY": entry("testing", "30.0", []),
    }
    (root / "HACS_segments_v1.1.1.json").write_text(json.dumps({"database": database}))
    folder = root / "slowfast101_15fps_stride8_len32_hacs"
    folder.mkdir()
    (folder / "missing_files.txt").write_text("gone0000000\nNUdji_CqvcY\nnever-listed\n")
    for video in ("--0edUL8zmA", "a2X2hz1G6i8"):
        np.save(folder / f"{video}.npy", rows(float(database[video]["duration"]), grid, 2304))


def entry(subset, duration, instances):
    annotations = [{"label": label, "segment": [start, end]} for label, start, end in instances]
    url = "https://www.youtube.com/watch?v=…"
    return {"subset": subset, "duration": duration, "resolution": "640x360", "url": url, "annotations": annotations}


KNOWN = {
    "activitynet12": (
        activitynet12,
        ("Capoeira", "Polishing shoes", "Washing dishes"),
        (
            Video("5wOmHw6Boj8", "train", 39.59, ("Washing dishes",)),
            Video("v_UmAH95xls", "test", 20.0, ("Capoeira", "Polishing shoes")),
        ),
        Segment("5wOmHw6Boj8", "Washing dishes", 18.54615, 25.3968),
        {"rgb": 1024, "flow": 1024},
    ),
    "activitynet13": (
        activitynet13,
        ("Archery", "Pole vault", "Zumba"),
        (Video("v_AoRk69eieek", "train", 94.14, ("Pole vault",)), Video("v_I0yNAIWHcQQ", "test", 30.0, ("Archery",))),
        Segment("v_I0yNAIWHcQQ", "Archery", 3.0, 4.5),
        {"rgb": 1024, "flow": 1024},
    ),
    "hacs": (
        hacs,
        ("Archery", "Dodgeball"),
        (Video("--0edUL8zmA", "train", 92.166667, ("Dodgeball",)), Video("a2X2hz1G6i8", "test", 20.5, ("Archery",))),
        Segment("--0edUL8zmA", "Dodgeball", 12.6, 88.16),
        {"slowfast": 2304},
    ),
}


@pytest.fixture
def dataset(raw, tmp_path):
    """(plan, tree, root) of a committed section whose files were written by the function of its name."""

    def make(name, **source):
        root = tmp_path / "raw"
        root.mkdir()
        features = raw["datasets"][name]["features"]
        KNOWN[name][0](root, features["grid"])
        changed = features | {"source": features["source"] | {"root": str(root)} | source}
        return dataset_plan(name, changed), Tree(tmp_path / "tree"), root

    return make


@pytest.mark.parametrize("name", KNOWN)
def test_a_section_reads_the_published_layout(name, dataset):
    plan, tree, _ = dataset(name)
    _, classes, videos, segment, streams = KNOWN[name]
    found = prepare.annotate(plan, tree)
    assert found.classes == classes and found.videos == videos and segment in found.segments
    manifest = prepare.extract(plan, tree)
    assert {name: form.dim for name, form in manifest.streams.items()} == streams
    assert set(manifest.videos) == {video.id for video in videos}


def test_joint_features_are_split(dataset):
    plan, tree, root = dataset("activitynet13")
    prepare.extract(plan, tree)
    joint = np.load(root / "train" / "v_AoRk69eieek.npy")
    found = FeatureStore(tree.features("activitynet13"))
    assert np.array_equal(found.features("rgb", "v_AoRk69eieek"), joint[:, :1024])
    assert np.array_equal(found.features("flow", "v_AoRk69eieek"), joint[:, 1024:])


def test_the_batch_axis_goes(dataset):
    plan, tree, root = dataset("activitynet12")
    prepare.extract(plan, tree)
    with np.load(root / "flow-resize-step16" / "v_5wOmHw6Boj8-flow.npz") as archive:
        found = FeatureStore(tree.features("activitynet12"))
        assert np.array_equal(found.features("flow", "5wOmHw6Boj8"), archive["feature"][0])


@pytest.mark.parametrize("name", KNOWN)
def test_the_committed_section_says_what_is_missing_and_where_people_get_it(name, raw, tmp_path):
    features = raw["datasets"][name]["features"]
    source = features["source"] | {"root": str(tmp_path / "nowhere")}
    plan = dataset_plan(name, features | {"source": source})
    with pytest.raises(UserError) as caught:
        prepare.annotate(plan, Tree(tmp_path / "tree"))
    text = str(caught.value)
    assert source["annotations"] in text and "is missing; set `source` in params.yaml" in text
    assert source["obtain"] in text and "\n" not in text and text.endswith(".")
    assert all(layout["path"] in text for layout in source["features"].values())


def test_a_video_without_features_is_named(dataset):
    plan, tree, _ = dataset("hacs", exclude=[])
    with pytest.raises(UserError, match=r"gone0000000\.npy is missing; set `source` .*OpenTAD"):
        prepare.extract(plan, tree)


def bmn(root):
    """BMN's annotations: the inner part alone, subsets in a table."""
    database = {
        "v_---9CpRcKoU": {
            "duration_second": 14.07,
            "duration_frame": 418,
            "annotations": [instance("Drinking beer", 0.01, 12.6)],
        },
        "v_I0yNAIWHcQQ": {"duration_second": 30.0, "duration_frame": 900, "annotations": [instance("Archery", 3, 4.5)]},
        "v_untested000": {"duration_second": 30.0, "duration_frame": 900, "annotations": []},
    }
    (root / "anet_anno_action.json").write_text(json.dumps(database))
    table = [("v_---9CpRcKoU", 418, "training"), ("v_I0yNAIWHcQQ", 900, "validation"), ("v_untested000", 900, "testing")]
    with (root / "video_info_new.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("video", "numFrame", "subset"), *table])


def instance(label, start, end):
    return {"label": label, "segment": [start, end]}


BMN = {
    "annotations": "anet_anno_action.json",
    "subsets": "video_info_new.csv",
    "splits": {"train": "training", "test": "validation"},
    "lists": {},
}


def test_bmn_subsets_stand_in_a_table(dataset):
    plan, tree, root = dataset("activitynet13", **BMN)
    bmn(root)
    found = prepare.annotate(plan, tree)
    assert found.videos == (
        Video("v_---9CpRcKoU", "train", 14.07, ("Drinking beer",)),
        Video("v_I0yNAIWHcQQ", "test", 30.0, ("Archery",)),
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"video_info_new\.csv is missing; set `source`"),
        ("video,split\na,training\n", r"video_info_new\.csv: line 2 has no 'subset'; mend it"),
        ("video,subset\nv_---9CpRcKoU,training\nv_I0y", r"video_info_new\.csv: line 3 has no 'subset'; mend it"),
        (b"\xff\xfe\x00", r"video_info_new\.csv, line 1 is not in UTF-8; download"),
        ("video,subset\nv_other000000,training\n", r"anet_anno_action\.json lacks video v_other000000"),
    ],
)
def test_a_bad_table_is_one_sentence(dataset, content, sentence):
    plan, tree, root = dataset("activitynet13", **BMN)
    bmn(root)
    path = root / "video_info_new.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=rf"^[^\n]*{sentence}[^\n]*\.$"):
        prepare.annotate(plan, tree)


def test_official_ids_and_lists_with_a_prefix(dataset):
    """The official file has no v_ before its ids; ACM-Net's lists, and lists of missing videos, may."""
    plan, tree, root = dataset(
        "activitynet12",
        lists={"train": "train.txt", "test": "test.txt"},
        list_prefix="v_",
        exclude="missing.npy",
    )
    (root / "train.txt").write_text("v_5wOmHw6Boj8\nv_gone0000000\n")
    (root / "test.txt").write_text("v_v_UmAH95xls,Capoeira\n")
    np.save(root / "missing.npy", np.array(["gone0000000", "elsewhere00"]))
    found = prepare.annotate(plan, tree)
    assert {video.id: video.subset for video in found.videos} == {"5wOmHw6Boj8": "train", "v_UmAH95xls": "test"}


def test_a_list_that_is_an_array_of_numbers(dataset):
    plan, tree, root = dataset("activitynet12", exclude="missing.npy")
    np.save(root / "missing.npy", np.arange(3))
    with pytest.raises(UserError, match=r"missing\.npy holds int64 of shape \(3,\), not a list of ids; write one id a line\."):
        prepare.annotate(plan, tree)
