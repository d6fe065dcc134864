"""The feature store: what is written, and a sentence for everything that is wrong with published features."""

import hashlib
import itertools
import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.data.store import FeatureStore
from wstal.datasets.readers import _arrays
from wstal.datasets.readers._arrays import ArrayLayout
from wstal.features.extraction.importer import import_features

GRID = TimeGrid(fps=25.0, stride_f=16, window_f=16)
STREAMS = ("rgb", "flow")
ANNOTATIONS = Annotations(
    classes=("Wave",),
    videos=(Video("a", "train", 6.4, ("Wave",)), Video("b", "test", 3.2, ("Wave",))),
    segments=(Segment("a", "Wave", 0.0, 6.4), Segment("b", "Wave", 1.0, 2.0)),
)


def videos(**changes) -> dict[str, dict[str, np.ndarray]]:
    """Good features of a (10 snippets) and b (5), with `video_stream=array` replaced."""
    rng = np.random.default_rng(0)
    found = {
        video: {
            "rgb": rng.normal(size=(snippets, 4)).astype(np.float32),
            "flow": rng.normal(size=(snippets, 3)).astype(np.float16),
        }
        for video, snippets in (("a", 10), ("b", 5))
    }
    for name, array in changes.items():
        video, stream = name.split("_")
        found[video][stream] = array
    return found


def store(out, items=None, *, annotations=ANNOTATIONS, slack_s=0.5, grids=None, **options):
    """Import `items` as if a reader had found them."""
    items = videos() if items is None else items
    grids = grids or dict.fromkeys(STREAMS, GRID)
    return import_features(iter(items.items()), grids, annotations, out, backbone="i3d", slack_s=slack_s, **options)


def test_store(tmp_path):
    out = tmp_path / "features"
    store(out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["grids"] == {stream: {"fps": 25.0, "stride_f": 16, "window_f": 16} for stream in STREAMS}
    assert set(manifest) == {"backbone", "grids", "streams", "videos"} and manifest["backbone"] == "i3d"
    assert manifest["streams"] == {"rgb": {"dim": 4, "dtype": "float32"}, "flow": {"dim": 3, "dtype": "float16"}}
    digest = hashlib.sha256(videos()["b"]["flow"].tobytes()).hexdigest()
    assert manifest["videos"]["b"]["flow"] == {"start": 10, "length": 5, "sha256": digest}
    assert [path.name for path in tmp_path.iterdir()] == ["features"]


def saved(path, arrays):
    """The bytes of the arrays in one .npy file, as NumPy writes it."""
    np.save(path, np.concatenate(arrays))
    return path.read_bytes()


def test_arrays_are_what_numpy_would_save_in_the_order_of_the_reader(tmp_path):
    out, items = tmp_path / "features", videos()
    for order in ("ab", "ba"):
        store(out, {video: items[video] for video in order})
        for stream in STREAMS:
            arrays = [items[video][stream] for video in order]
            assert (out / f"{stream}.npy").read_bytes() == saved(tmp_path / "numpy.npy", arrays)


def test_a_changed_value_changes_the_hash_of_its_video_alone(tmp_path):
    """Trained rows are kept under a hash of the manifest: what they were trained on is told by this."""
    changed = videos()
    changed["a"]["rgb"].view(np.uint8)[3, 2] ^= 1
    one, two = store(tmp_path / "one").videos, store(tmp_path / "two", changed).videos
    differ = [(video, stream) for video in one for stream in STREAMS if one[video][stream] != two[video][stream]]
    assert differ == [("a", "rgb")]


def test_one_video_of_float32_makes_its_stream_float32(tmp_path):
    """In whatever place it comes; values are the same, and the other stream stays as it is."""
    names, rng = "abcd", np.random.default_rng(0)
    annotations = Annotations(("Wave",), tuple(Video(v, "train", 6.4, ("Wave",)) for v in names), ())
    for wide in names:
        items = {
            v: {
                "rgb": rng.normal(size=(10, 4)).astype(np.float32 if v == wide else np.float16),
                "flow": rng.normal(size=(10, 3)).astype(np.float16),
            }
            for v in names
        }
        made = store(tmp_path / "features", items, annotations=annotations)
        assert [made.streams[stream].dtype for stream in STREAMS] == ["float32", "float16"]
        found = FeatureStore(tmp_path / "features")
        for video, stream in itertools.product(names, STREAMS):
            kept = found.features(stream, video)
            assert np.array_equal(kept, items[video][stream])
            assert hashlib.sha256(kept.tobytes()).hexdigest() == made.videos[video][stream].sha256
        assert sorted(path.name for path in (tmp_path / "features").iterdir()) == ["flow.npy", "manifest.json", "rgb.npy"]


def test_memory_does_not_grow_with_the_number_of_videos(tmp_path):
    """Peaks of 20 and of 200 videos of one size."""

    def items(count):
        for i in range(count):
            yield f"v{i}", {"rgb": np.full((10, 10_000), i % 7, np.float16)}  # 200 kB, and 400 kB once it is wide

    def peak(count):
        found = tuple(Video(f"v{i}", "train", 6.4, ("Wave",)) for i in range(count))
        tracemalloc.start()
        import_features(
            items(count), {"rgb": GRID}, Annotations(("Wave",), found, ()), tmp_path / "out", backbone="", slack_s=0.5
        )
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(200) - peak(20) < 1_000_000  # of 40 MB


def test_bytes_do_not_depend_on_memory_layout(tmp_path):
    items = videos()
    turned = {video: {s: np.asfortranarray(x) for s, x in items[video].items()} for video in items}
    store(tmp_path / "one", items)
    store(tmp_path / "two", turned)
    one, two = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*.*")} for f in (tmp_path / "one", tmp_path / "two"))
    assert one == two and len(one) == 3


@pytest.mark.parametrize(("given", "kept"), [("f2", "<f2"), ("f4", "<f4"), (">f4", "<f4"), ("f8", "<f4")])
def test_precision(tmp_path, given, kept):
    store(tmp_path / "features", videos(a_rgb=np.ones((10, 4), dtype=given), b_rgb=np.ones((5, 4), dtype=given)))
    assert np.load(tmp_path / "features" / "rgb.npy").dtype == np.dtype(kept)


def test_videos_without_annotations_are_passed_over(tmp_path):
    made = store(tmp_path / "features", videos() | {"c": {"rgb": np.array([["x"]]), "flow": None}})
    assert set(made.videos) == {"a", "b"}


def test_stale_files_go(tmp_path):
    out = tmp_path / "features"
    store(out)
    (out / "rgb").mkdir()
    (out / "old.npy").touch()
    fewer = Annotations(ANNOTATIONS.classes, ANNOTATIONS.videos[:1], ANNOTATIONS.segments[:1])
    store(out, annotations=fewer)
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*")) == [*("flow.npy", "manifest.json", "rgb.npy")]


def spoiled(shape, at, value, dtype=np.float32):
    array = np.ones(shape, dtype=dtype)
    array[at] = value
    return array


BAD = {
    "missing video": ({"a": videos()["a"]}, r"video b has no features; add them or `exclude`"),
    "dims": (videos(b_rgb=np.ones((5, 4, 1))), r"b, stream rgb.* shape is \(5, 4, 1\); save one row"),
    "no snippet": (videos(b_rgb=np.ones((0, 4))), r"b, stream rgb.* shape is \(0, 4\); save one row"),
    "width": (videos(b_flow=np.ones((5, 4))), r"b, stream flow: 4 features .* have 3; extract all videos"),
    "length": (videos(b_flow=np.ones((6, 3))), r"b: streams differ .*'rgb': 5, 'flow': 6.*; extract them"),
    "nan": (videos(a_rgb=spoiled((10, 4), (7, 2), np.nan)), r"a, stream rgb.*: snippet 7 holds NaN .*; extract"),
    "inf": (videos(a_flow=spoiled((10, 3), (slice(3, 5), 0), -np.inf)), r"a, stream flow.*: snippet 3 holds .*; extract"),
    "too large": (videos(a_rgb=spoiled((10, 4), (2, 0), 1e300, "f8")), r"a, stream rgb.*: snippet 2 holds .*; extract"),
    "integers": (videos(a_rgb=np.ones((10, 4), dtype=np.int64)), r"a, stream rgb.* int64, not floats; save"),
    "objects": (videos(a_rgb=np.full((10, 4), None)), r"a, stream rgb.* object, not floats; save"),
    "short": (
        videos(a_rgb=np.ones((9, 4)), a_flow=np.ones((9, 3))),
        r"a, stream rgb: 9 .* 5\.76 s, .* 6\.40 s, .*; mend `grid`",
    ),
}


@pytest.mark.parametrize(("items", "sentence"), BAD.values(), ids=BAD)
def test_bad_features_leave_the_old_store_as_it_was(tmp_path, items, sentence):
    out = tmp_path / "features"
    store(out)
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    with pytest.raises(UserError, match=rf"^[^\n]*{sentence}[^\n]*\.$"):
        store(out, items)
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == before
    assert list(tmp_path.iterdir()) == [out]


def test_sentence_names_the_file_of_a_mapped_array(tmp_path):
    np.save(tmp_path / "clip.npy", spoiled((10, 4), (0, 0), np.nan))
    mapped = np.load(tmp_path / "clip.npy", mmap_mode="r")
    with pytest.raises(UserError, match=r"clip\.npy \(a, stream rgb\): snippet 0"):
        store(tmp_path / "features", videos(a_rgb=mapped))


def test_slack_and_overrun(tmp_path):
    short = BAD["short"][0]
    store(tmp_path / "one", short, slack_s=0.65)
    store(tmp_path / "two", short, overrun=["a"])
    assert (tmp_path / "one" / "manifest.json").read_bytes() == (tmp_path / "two" / "manifest.json").read_bytes()


def test_many_missing_videos_are_counted(tmp_path):
    with pytest.raises(UserError, match=r"video a \(and 1 more\) has no features; add them"):
        store(tmp_path / "features", {})
    assert not list(tmp_path.iterdir())


SLOW = TimeGrid(fps=25.0, stride_f=32, window_f=32)


def slow(a=5, b=2):
    """Good features whose flow is on the slower grid."""
    return videos(a_flow=np.ones((a, 3), dtype=np.float16), b_flow=np.ones((b, 3), dtype=np.float16))


def test_a_grid_of_its_own_for_a_stream(tmp_path):
    store(tmp_path / "features", slow(), slack_s=0.7, grids={"rgb": GRID, "flow": SLOW})
    made = FeatureStore(tmp_path / "features")
    assert made.grid(["rgb"]) == GRID and made.grid(["flow"]) == SLOW
    assert made.manifest.grids["flow"] == TimeGrid(fps=25.0, stride_f=32, window_f=32)


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        (slow(a=4), r"a, stream flow: 4 snippets cover 5\.12 s, but a segment reaches 6\.40 s"),
        (slow(b=5), r"b, stream flow: 5 snippets cover 6\.40 s of a video of 3\.20 s; mend .*`grids`"),
        (videos(), r"stream 'flow' cover about 2\.00 times the length of all 2 videos .*stride_f 16 would fit: .*`grids`"),
    ],
)
def test_coverage_is_that_of_the_streams_own_grid(tmp_path, items, sentence):
    with pytest.raises(UserError, match=sentence):
        store(tmp_path / "features", items, slack_s=0.7, grids={"rgb": GRID, "flow": SLOW})


def test_streams_of_one_grid_may_differ_by_as_many_snippets_as_stated(tmp_path):
    longer = np.arange(33, dtype=np.float32).reshape(11, 3)
    made = store(tmp_path / "features", videos(a_flow=longer), uneven_t=1)
    assert {stream: rows.length for stream, rows in made.videos["a"].items()} == {"rgb": 10, "flow": 10}
    assert np.array_equal(np.load(tmp_path / "features" / "flow.npy")[:10], longer[:10])
    with pytest.raises(UserError, match=r"a: streams differ .*'rgb': 10, 'flow': 12.*`uneven_t`"):
        store(tmp_path / "features", videos(a_flow=np.ones((12, 3))), uneven_t=1)


def test_a_sentence_names_the_file_of_a_column_slice(tmp_path):
    np.savez(tmp_path / "clip.npz", x=spoiled((10, 5), (0, 4), np.nan))
    layout = ArrayLayout(path="clip.npz", key="x", columns=(1, 5))
    array = _arrays.load(tmp_path / "clip.npz", "x", layout, _arrays.opener(), "")
    with pytest.raises(UserError, match=r"clip\.npz \(a, stream rgb\): snippet 0"):
        store(tmp_path / "features", videos(a_rgb=array))


def many(count=8, **changes):
    """Features of v0, v1, ... on one grid, lengths apart, and their annotations: the first half for training."""
    rng = np.random.default_rng(1)
    lengths_t = [10 + 7 * i for i in range(count)]
    items = {
        f"v{i}": {"rgb": rng.normal(1, 0.1, (t, 4)).astype("f4"), "flow": rng.normal(50, 0.1, (t, 4)).astype("f4")}
        for i, t in enumerate(lengths_t)
    }
    for name, array in changes.items():
        video, stream = name.split("_")
        items[video][stream] = array
    listed = [Video(f"v{i}", "train" if i < count // 2 else "test", t * 0.64, ("Wave",)) for i, t in enumerate(lengths_t)]
    return items, Annotations(("Wave",), tuple(listed), ())


def test_all_faults_of_all_videos_are_one_answer(tmp_path):
    items, annotations = many(
        v0_rgb=np.ones((11, 4)),
        v2_rgb=spoiled((24, 4), (3, 0), np.nan),
        v3_flow=np.ones((31, 4), int),
        v4_flow=np.ones((37, 4)),
    )
    del items["v5"]
    with pytest.raises(UserError) as caught:
        store(tmp_path / "out", items, annotations=annotations)
    said = str(caught.value)
    assert "\n" not in said and said.count(" | ") == 3
    for words in (
        "of v0: streams differ", "v2, stream rgb: snippet 3 holds NaN", "v3, stream flow: entries are int64",
        "of v4: streams differ", "annotated video v5 has no features",
    ):  # fmt: skip
        assert words in said
    assert not (tmp_path / "out").exists()


def test_lengths_that_differ_are_counted(tmp_path):
    items, annotations = many(30)
    for video in items:
        items[video]["rgb"] = items[video]["rgb"][:-1]
    with pytest.raises(UserError, match=r"of v0: streams differ .* of v19: streams differ [^;]*\(and 10 more\); extract them"):
        store(tmp_path / "out", items, annotations=annotations)


@pytest.mark.parametrize(("fps", "cure"), [(30.0, "fps 30"), (24.0, "fps 24"), (29.97, "fps 30 or fps 29.97")])
def test_another_frame_rate_is_one_sentence_whatever_the_number_of_videos(tmp_path, fps, cure):
    items, annotations = many()
    listed = [replace(video, duration_s=video.duration_s * 25 / fps) for video in annotations.videos]
    with pytest.raises(
        UserError, match=rf"^features of stream 'rgb' cover about {fps / 25:.2f} times .* all 8 videos .*{cure}"
    ):
        store(tmp_path / "out", items, annotations=replace(annotations, videos=tuple(listed)))


def test_what_is_odd_is_in_the_manifest(tmp_path):
    items, annotations = many(v1_rgb=np.zeros((17, 4)), v2_flow=np.full((24, 4), 50.0))
    items["v3"] = {"rgb": items["v3"]["flow"], "flow": items["v3"]["rgb"]}
    listed = [replace(v, duration_s=v.duration_s * (1.3 if v.id == "v7" else 1)) for v in annotations.videos]
    made = store(tmp_path / "out", items, annotations=replace(annotations, videos=tuple(listed)))
    notes = json.loads((tmp_path / "out" / "manifest.json").read_text())["notes"]
    assert notes == made.notes and [note.split(":")[0] for note in notes] == [
        "odd length", "zero features", "constant features", "swapped streams",
    ]  # fmt: skip
    assert all("'v7'" in notes[0] and name in note for note, name in zip(notes[1:], ("'v1'", "'v2'", "'v3'"), strict=True))


@pytest.mark.parametrize(
    ("other", "sentence"),
    [(("v0", "v5"), "training video 'v0' and test video 'v5' have the same 'rgb' features"), (("v6", "v7"), None)],
)
def test_features_of_another_video(tmp_path, other, sentence):
    """In training and test they are refused; in one subset, noted."""
    items, annotations = many()
    one, two = other
    items[two] = items[one]
    lengths_s = {video.id: video.duration_s for video in annotations.videos}
    listed = [replace(v, duration_s=lengths_s[one if v.id == two else v.id]) for v in annotations.videos]
    annotations = replace(annotations, videos=tuple(listed))
    if sentence:
        with pytest.raises(UserError, match=sentence):
            store(tmp_path / "out", items, annotations=annotations)
    else:
        (note,) = store(tmp_path / "out", items, annotations=annotations).notes
        assert note.startswith("same features: stream 'rgb' of videos 'v6', 'v7'")


def test_a_stream_under_two_names_is_refused_unless_a_network_made_both(tmp_path):
    items, annotations = many()
    for arrays in items.values():
        arrays["flow"] = arrays["rgb"].copy()
    assert store(tmp_path / "made", items, annotations=annotations, extracted=True).notes == []
    with pytest.raises(UserError, match=r"'rgb' and 'flow' of video 'v0' hold the same features; .*'v7' .*; give each stream"):
        store(tmp_path / "read", items, annotations=annotations)


def test_a_reader_that_fails_says_so_beside_what_was_found_before(tmp_path):
    items, annotations = many(v0_rgb=np.ones((11, 4)))

    def broken():
        yield from [*items.items()][:3]
        raise UserError("v3.npy is truncated; download it again.")

    with pytest.raises(UserError, match=r"of v0: streams differ .* \| v3\.npy is truncated; download it again\.$"):
        import_features(broken(), dict.fromkeys(STREAMS, GRID), annotations, tmp_path / "x", backbone="", slack_s=1.0)
