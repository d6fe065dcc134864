"""Two feature sets of the same videos: shape, stride, cosine, by hand."""

import csv
import tracemalloc

import numpy as np
import pytest

from wstal.app import cli
from wstal.base import paths
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Video
from wstal.features import compare
from wstal.features.extraction.importer import import_features

GRID = TimeGrid(fps=25.0, stride_f=16, window_f=16)
RNG = np.random.default_rng(0)
BASE = {name: RNG.normal(size=(length, 4)).astype(np.float32) for name, length in (("a", 10), ("b", 7), ("c", 4))}


def folder(place, arrays):
    place.mkdir(parents=True)
    for name, array in arrays.items():
        (place / name).parent.mkdir(exist_ok=True)
        np.save(place / f"{name}.npy", array)
    return place


def store(place, arrays, grids):
    """A feature store of {video: {stream: array}}."""
    lasting = {video: max(grids[stream].coverage_s(len(x)) for stream, x in of.items()) for video, of in arrays.items()}
    made = Annotations(("x",), tuple(Video(video, "train", s, ("x",)) for video, s in lasting.items()), ())
    import_features(arrays.items(), grids, made, place, backbone="x", slack_s=1.0)
    return place


def found(first, second, stream=None):
    sets = [compare.opened(place, stream) for place in (first, second)]
    return {row.video: row for row in compare.differences(*sets)}


def test_the_same_arrays_differ_in_nothing(tmp_path):
    rows = found(folder(tmp_path / "x", BASE), folder(tmp_path / "y", BASE))
    assert [*rows] == ["a", "b", "c"]
    for row in rows.values():
        assert row.cosine == pytest.approx(1) and row.largest == 0 and row.scale == 1 and row.snippets == 1


def test_cosine_scale_and_difference_by_hand(tmp_path):
    x = {"v": np.array([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]])}
    y = {"v": np.array([[6.0, 0.0], [2.0, 0.0], [0.0, 0.0], [4.0, 0.0]])}
    (row,) = found(folder(tmp_path / "x", x), folder(tmp_path / "y", y)).values()
    assert row.cosine == pytest.approx((1 + 0 + 1 + 0) / 4) and row.lowest == 0  # two that are zero are alike
    assert row.scale == pytest.approx(12 / 5) and row.largest == 4 and row.shapes == ((4, 2), (4, 2))


def test_numbers_that_are_none_are_refused(tmp_path):
    broken = BASE["a"].copy()
    broken[2, 1] = np.nan
    with pytest.raises(UserError, match=r"y.v\.npy holds NaN or infinity"):
        found(folder(tmp_path / "x", {"v": BASE["a"]}), folder(tmp_path / "y", {"v": broken}))


def test_other_widths_have_no_cosine(tmp_path):
    (row,) = found(folder(tmp_path / "x", {"v": BASE["a"]}), folder(tmp_path / "y", {"v": BASE["a"][:, :3]})).values()
    assert np.isnan([row.cosine, row.lowest, row.scale, row.largest]).all() and row.shapes == ((10, 4), (10, 3))


@pytest.mark.parametrize("cut", [1, 2])
def test_a_snippet_less_at_the_end_is_left_over(tmp_path, cut):
    (row,) = found(folder(tmp_path / "x", {"v": BASE["a"]}), folder(tmp_path / "y", {"v": BASE["a"][:-cut]})).values()
    assert row.cosine == pytest.approx(1) and row.largest == 0 and row.snippets == (10 - cut) / 10


def test_without_grids_snippets_at_the_same_share_are_compared(tmp_path):
    twice = np.repeat(BASE["a"], 2, axis=0)
    for first, second, ratio in ((BASE["a"], twice, 2), (twice, BASE["a"], 0.5)):
        place = tmp_path / f"{ratio}"
        (row,) = found(folder(place / "x", {"v": first}), folder(place / "y", {"v": second})).values()
        assert row.cosine == pytest.approx(1) and row.snippets == ratio


def test_with_grids_snippets_nearest_in_time_are_compared():
    """Windows of 16 frames every 16 and every 4: the centre of snippet i is that of snippet 4 i."""
    fine = TimeGrid(25.0, 4, 16)
    first, second = compare.pairs(5, 17, (GRID, fine))
    assert first.tolist() == [0, 1, 2, 3, 4] and second.tolist() == [0, 4, 8, 12, 16]
    second, first = compare.pairs(17, 5, (fine, GRID))
    assert first.tolist() == [0, 1, 2, 3, 4] and second.tolist() == [0, 4, 8, 12, 16]
    assert [rows.tolist() for rows in compare.pairs(5, 9, (GRID, fine))] == [[0, 1, 2], [0, 4, 8]]
    assert [rows.tolist() for rows in compare.pairs(9, 3, (GRID, GRID))] == [[0, 1, 2], [0, 1, 2]]


def test_a_store_against_a_folder_as_exported(tmp_path):
    """RGB stands first, as in the arrays of other codes; a stream alone meets its own folder."""
    items = {name: {"flow": x[:, 1:], "rgb": x[:, :1]} for name, x in BASE.items()}
    one = store(tmp_path / "store", items, {"flow": GRID, "rgb": GRID})
    assert all(row.largest == 0 for row in found(one, folder(tmp_path / "joint", BASE)).values())
    flow = {f"flow/{name}": x[:, 1:] for name, x in BASE.items()}
    rgb = {f"rgb/{name}": x[:, :1] for name, x in BASE.items()}
    streams = folder(tmp_path / "streams", flow | rgb)
    assert all(row.largest == 0 and row.shapes[0][1] == 3 for row in found(one, streams, "flow").values())
    with pytest.raises(UserError, match="are of one video; name the folder of one stream"):
        compare.opened(streams, None)
    with pytest.raises(UserError, match="has no stream 'depth'; choose one of flow, rgb"):
        compare.opened(one, "depth")


def test_what_cannot_be_compared_is_a_sentence(tmp_path):
    x = folder(tmp_path / "x", {"v_1": BASE["a"]})
    with pytest.raises(UserError, match="have no video in common \\(for instance 'v_1' and '1'\\)"):
        found(x, folder(tmp_path / "y", {"1": BASE["a"]}))
    with pytest.raises(UserError, match="is no folder; name a dataset"):
        compare.opened(tmp_path / "missing", None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no arrays"):
        compare.opened(tmp_path / "empty", None)
    for number, array in enumerate((np.zeros(3), np.zeros((2, 2), int), np.zeros((0, 4)))):
        with pytest.raises(UserError, match="save one row of floats a snippet"):
            found(folder(tmp_path / f"{number}", {"v_1": array}), x)
    (x / "v_1.npy").write_bytes(b"no array")
    with pytest.raises(UserError, match=r"v_1\.npy is truncated or no .npy file"):
        found(x, x)


def test_one_video_is_in_memory_at_a_time(tmp_path):
    x = folder(tmp_path / "x", {f"{n}": np.ones((500, 256), np.float32) for n in range(30)})
    tracemalloc.start()
    list(compare.differences(compare.opened(x, None), compare.opened(x, None)))
    assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Datasets `one` and `two`, as the pipeline keeps them."""
    monkeypatch.setattr(paths, "PIPELINE", Tree(tmp_path))
    store(tmp_path / "data" / "features" / "one", {name: {"rgb": x} for name, x in BASE.items()}, {"rgb": GRID})
    changed = {name: {"rgb": np.repeat(2 * x, 2, 0)} for name, x in BASE.items() if name != "c"}
    changed["a"]["rgb"] = -changed["a"]["rgb"]
    store(tmp_path / "data" / "features" / "two", changed, {"rgb": TimeGrid(25.0, 8, 8)})
    return tmp_path


def test_the_command_says_what_differs(here, capsys):
    assert cli.main(["compare", "one", "two", "--csv", str(here / "out.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    place = here / "data" / "features"
    assert lines[:4] == [
        f"A: {place / 'one'}: 3 videos (1 not in the other), 4 features a snippet, a snippet every 0.64 s",
        f"B: {place / 'two'}: 2 videos (0 not in the other), 4 features a snippet, a snippet every 0.32 s",
        "snippets: as many in 0 of 2 videos; B has 2 for one of A (2 to 2)",
        "cosine: 0.0000 in the median video, -1.0000 in the lowest; vectors of B are 2 times as long",
    ]
    assert lines[4:] == [
        "lowest  cosine         A         B",
        "a       -1.000      10x4      20x4",
        "b        1.000       7x4      14x4",
    ]
    with (here / "out.csv").open(newline="") as file:
        header, first, _ = csv.reader(file)
    assert dict(zip(header, first, strict=True))["cosine"] == "-1" and first[:5] == ["a", "10", "20", "4", "4"]


def test_the_command_says_what_is_the_same_or_no_set(here, capsys):
    assert cli.main(["compare", "one", "one"]) == 0 and capsys.readouterr().out.endswith("\nevery number is the same\n")
    assert (
        cli.main(["compare", "one", "three"]) == 1 and "features/three is no folder; name a dataset" in capsys.readouterr().err
    )
    narrow = folder(here / "narrow", {"a": BASE["a"][:, :2]})
    assert cli.main(["compare", "one", str(narrow)]) == 0
    assert capsys.readouterr().out.endswith("\ncosine: none, as the widths differ\n")
