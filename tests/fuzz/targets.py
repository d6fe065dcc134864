"""What is fuzzed: for each format good files, and the way from a file to values that users take."""

import io
import json
import pickle
import shutil
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import h5py
import msgspec
import numpy as np
import torch
import yaml
from safetensors.numpy import save

from tests.features.films import grey, write
from wstal.app import corrections, own_videos
from wstal.base.paths import Tree
from wstal.base.timegrid import TimeGrid
from wstal.border import csvfile, filenames, picklefile, yamlfile
from wstal.config import parameters, plan
from wstal.data import labels
from wstal.data.store import FeatureStore
from wstal.datasets import annotations as annotated
from wstal.datasets import inspection
from wstal.datasets.readers import (
    _arrays,
    _files,
    activitynet_json,
    labels_csv,
    segments_csv,
    thumos14_basnet,
    thumos14_reduced,
)
from wstal.datasets.readers._arrays import ArrayLayout
from wstal.detect import detections
from wstal.evaluation import left_out, metrics, truth
from wstal.evaluation.evaluate import PROTOCOLS, evaluate
from wstal.exchange.tools import registry
from wstal.exchange.tools.tracks import Clip, Mark
from wstal.features.backbones import checkpoint
from wstal.features.extraction.importer import import_features
from wstal.features.extraction.partfiles import Part, Parts
from wstal.features.pixels.decode import Footage, duration_s
from wstal.published import facts
from wstal.training import card

GRID = TimeGrid(25.0, 16, 16)
GRIDS = {"rgb": GRID}
VALUES = np.arange(90, dtype=np.float32).reshape(30, 3) / 8  # (T, D): 19.2 s
CURE = "get it again"


@dataclass(frozen=True)
class Target:
    """A format: `make` writes good files of one name into a folder, `read` does with the fuzzed one what a user would."""

    make: Callable[[Path], list[bytes]]  # contents that are good; the folder gets whatever else is needed
    name: str  # of the fuzzed file in that folder
    read: Callable[[Path], object]  # (the folder)
    share: float = 1.0  # of the cases; less where reading takes long


def _bytes_of(save: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


def _features(name: str, key: str | None = None) -> Callable[[Path], object]:
    layout = ArrayLayout(path=name, key=key)
    return lambda folder: np.asarray(_arrays.load(folder / name, key or "", layout, _arrays.opener(), CURE)).tobytes()[:9]


def _npz(folder: Path) -> list[bytes]:
    odd = io.BytesIO()
    with zipfile.ZipFile(odd, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x.npy", _bytes_of(lambda file: np.save(file, VALUES)))
    saves = (np.savez, np.savez_compressed)
    return [*(_bytes_of(lambda file, save=save: save(file, x=VALUES, y=np.array(3))) for save in saves), odd.getvalue()]


def _h5(folder: Path) -> list[bytes]:
    def save(file, **how):
        with h5py.File(file, "w") as archive:
            archive.create_dataset("x", data=VALUES, **how)
            archive["y/z"] = "text"

    return [_bytes_of(save), _bytes_of(lambda file: save(file, chunks=(8, 3), compression="gzip", fletcher32=True))]


def _objects(folder: Path) -> list[bytes]:
    items = np.empty(3, dtype=object)
    items[:] = [VALUES, ["Diving", b"Jump", [0.5, 1.5]], np.float64(2.5)]
    head = _bytes_of(
        lambda file: np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (3,)})
    )
    return [head + pickle.dumps(items, protocol=protocol) for protocol in (0, 2, 4)]


def _read_objects(folder: Path) -> object:
    return [str(item)[:10] for item in picklefile.load_objects(folder / "x.npy", CURE).ravel()[:10]]


COLUMNS = {
    "videoname": ["v1", "v2"],
    "subset": ["validation", "test"],
    "duration": [19.2, [19.2]],
    "classlist": ["Jump"],
    "labels_all": [["Jump"], ["Jump"]],
    "labels": [["Jump"], ["Jump"]],
    "segments": [[[1.0, 2.0]], [[1.0, 2.0]]],
}
REDUCED = thumos14_reduced.Source(
    root="",
    features="f.npy",
    annotations="a",
    ambiguous=None,
    columns={"rgb": (0, 3)},
    video_labels="labels_all",
    splits={"train": "validation", "test": "test"},
    exclude=[],
)


def _read_reduced(folder: Path) -> object:
    """The fuzzed file is JSON of what the arrays hold."""
    try:
        columns = json.loads((folder / "columns.json").read_bytes())
        columns = {name: values for name, values in columns.items() if name in COLUMNS}
    except (ValueError, RecursionError, AttributeError):
        return None
    (folder / "a").mkdir(exist_ok=True)
    for name in COLUMNS:
        values = columns.get(name)
        array = np.empty(len(values) if isinstance(values, list) else (), dtype=object)
        array[...] = None
        if isinstance(values, list):
            for i, value in enumerate(values):
                array[i] = value
        else:
            array[()] = values
        np.save(folder / "a" / f"{name}.npy", array, allow_pickle=True)
    source = msgspec.structs.replace(REDUCED, root=str(folder))
    annotated.write(thumos14_reduced.annotations(source, GRID), folder / "out", origin="x")
    return [video for video, _ in thumos14_reduced.features(source, ("rgb",), GRIDS)]


def _make_reduced(folder: Path) -> list[bytes]:
    features = np.empty(2, dtype=object)
    features[:] = [VALUES, VALUES]
    np.save(folder / "f.npy", features, allow_pickle=True)
    return [json.dumps(COLUMNS).encode()]


INSTANCE = {"label": "Jump", "segment": [1.0, 5.0]}
DATABASE = {
    video: {
        "subset": subset,
        "duration": 19.2,
        "url": "https://a.b/c:d",
        "annotations": [INSTANCE, {"label": "Run", "segment": ["6", 9.5]}],
    }
    for video, subset in {"a": "training", "b": "training", "c": "validation"}.items()
}


def _make_json(folder: Path) -> list[bytes]:
    for i, video in enumerate(DATABASE):
        np.save(folder / f"{video}.npy", VALUES + i)
    whole = {"classes": ["Jump", "Run"], "database": DATABASE}
    return [json.dumps(whole).encode(), json.dumps(DATABASE, indent=1).encode()]


def _read_json(folder: Path) -> object:
    source = activitynet_json.Source(
        root=str(folder),
        annotations="a.json",
        splits={"train": "training", "test": "validation"},
        features={"rgb": "{video}.npy"},
    )
    read = activitynet_json.annotations(source, GRID)
    annotated.write(read, folder / "out", origin="x")
    made = activitynet_json.features(source, ("rgb",), GRIDS)
    return import_features(made, GRIDS, read, folder / "store", backbone="x", slack_s=1.0).videos


def _make_basnet(folder: Path) -> list[bytes]:
    for subset, video in (("train", "v1"), ("test", "v2")):
        (folder / "features" / subset / "rgb").mkdir(parents=True, exist_ok=True)
        np.save(folder / "features" / subset / "rgb" / f"{video}.npy", VALUES)
        (folder / f"split_{subset}.txt").write_text(f"{video}\n")
    database = {"v1": {"subset": "Train", "annotations": [INSTANCE]}, "v2": {"subset": "Test", "annotations": [INSTANCE]}}
    return [json.dumps({"database": database}).encode()]


def _read_basnet(folder: Path) -> object:
    source = thumos14_basnet.Source(
        root=str(folder), durations=None, ambiguous=None, splits={"train": "train", "test": "test"}, exclude=[]
    )
    annotated.write(thumos14_basnet.annotations(source, GRID), folder / "out", origin="x")
    return list(thumos14_basnet.features(source, ("rgb",), GRIDS))


SEGMENTS = "video,label,start_s,end_s,subset,duration_s\na,Jump,1,5,train,19.2\nb,Run,,,train,\nc,Jump,2,3,test,19.2\n"


def _make_segments(folder: Path) -> list[bytes]:
    _make_json(folder)
    return [SEGMENTS.encode(), SEGMENTS.replace(",", ";").replace("Jump", '"Ju;mp"').encode("utf-8-sig")]


def _read_segments(folder: Path) -> object:
    source = segments_csv.Source(
        root=str(folder), annotations="s.csv", splits={"train": "train", "test": "test"}, features={"rgb": "{video}.npy"}
    )
    annotated.write(segments_csv.annotations(source, GRID), folder / "out", origin="x")
    return list(segments_csv.features(source, ("rgb",), GRIDS))


def _make_labels(folder: Path) -> list[bytes]:
    for name in ("a.mp4", "b.mp4", "c.avi"):
        (folder / name).touch()
    return [b"video,label,subset\na.mp4,Jump,train\na,Run,train\nb,Jump,test\n", b"video;label\na;Jump\nc.avi;=1+1\n"]


def _read_labels(folder: Path) -> object:
    source = labels_csv.Source(root=str(folder), labels="labels.csv", videos=".", test_every=0, exclude=[])
    return labels_csv.trained(source), labels_csv.videos(source)


RESULTS = {"a": [{"label": "Jump", "score": 0.5, "segment": [1, 5]}], "c": [{"label": "Ru:n", "score": 1, "segment": [2.5, 3]}]}


def _make_predictions(folder: Path) -> list[bytes]:
    (folder / "gt.json").write_bytes(_make_json(folder)[0])
    whole = {"version": "VERSION 1.3", "results": RESULTS, "external_data": {}}
    return [json.dumps(whole).encode(), json.dumps({"results": RESULTS}, indent=1).encode()]


def _evaluate(folder: Path) -> object:
    protocol = PROTOCOLS["activitynet"]
    known = truth.read(folder / "gt.json", subset=None, preferred=protocol.subsets, ambiguous_label=None)
    found = detections.read_json(folder / "p.json")
    detections.write_json(found, folder / "again.json")
    return evaluate(known, found, protocol, (0.5,)).average_mAP


def _make_truth(folder: Path) -> list[bytes]:
    (folder / "p.json").write_bytes(_make_predictions(folder)[0])
    return _make_json(folder)[:1]


def _make_store(folder: Path) -> list[bytes]:
    _read_json(_with(folder, "a.json", _make_json(folder)[0]))
    return [(folder / "store" / "manifest.json").read_bytes()]


def _make_stream(folder: Path) -> list[bytes]:
    _make_store(folder)
    return [(folder / "store" / "rgb.npy").read_bytes()]


def _with(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder


def _read_store(folder: Path) -> object:
    store = FeatureStore(folder / "store")
    store.grid(("rgb",))
    return store.dim("rgb"), [store.features("rgb", video).tobytes()[:9] for video in store.videos]


def _make_videos(folder: Path) -> list[bytes]:
    video = {"id": "a", "subset": "train", "duration_s": 19.2, "labels": ["Jump"]}
    return [json.dumps({"classes": ["Jump"], "videos": [video, video | {"id": "b", "subset": "test"}]}, indent=1).encode()]


def _read_videos(folder: Path) -> object:
    read = labels.read(folder / "videos.json")
    return read.multi_hot(read.subset("train", 0))


def _make_card(folder: Path) -> list[bytes]:
    rows = next(iter(parameters.load().entries))
    settings = next(iter(plan.of_rows(parameters.load(), rows).rows.values()))
    made = card.Card(
        entry="x",
        row="y",
        seed=0,
        settings=settings,
        classes=("A", "B"),
        dims=dict.fromkeys(settings.streams, 3),
        grid=GRID,
        backbone="x",
        extraction=None,
    )
    card.write(made, folder)
    return [(folder / "run.yaml").read_bytes()]


def _make_params(folder: Path) -> list[bytes]:
    return [yaml.safe_dump({"own": parameters.read()["own"], "seeds": [0, 1]}).encode()]


def _read_params(folder: Path) -> object:
    return own_videos.settings(yamlfile.read(folder / "mine.yaml", CURE))


def _read_facts(folder: Path) -> object:
    return facts.read(folder)


def _make_facts(folder: Path) -> list[bytes]:
    found = sorted(Path(facts.__file__).parent.glob("*.yaml"), key=lambda path: path.stat().st_size)
    tables = {"backbones", "i3d_features"}  # which have a layout of their own
    for name in tables:
        shutil.copyfile(found[0].with_name(f"{name}.yaml"), folder / f"{name}.yaml")
    return [path.read_bytes() for path in found if path.stem not in tables][:2]


STATE = OrderedDict(conv=torch.arange(6.0).reshape(2, 3), bias=torch.zeros(2, dtype=torch.float16))


def _make_torch(folder: Path) -> list[bytes]:
    whole = {"model_state": STATE, "epoch": 3, "cfg": "text"}
    return [
        _bytes_of(lambda file, new=new: torch.save(whole, file, _use_new_zipfile_serialization=new)) for new in (True, False)
    ]


def _make_flax(folder: Path) -> list[bytes]:
    array = msgspec.msgpack.encode([[2, 3], "float32", VALUES[:2].tobytes()])
    return [msgspec.msgpack.encode({"params": {"conv": msgspec.msgpack.Ext(1, array)}, "step": 3})]


def _make_pickles(folder: Path) -> list[bytes]:
    blobs = {"conv_w": VALUES, "conv_b": VALUES[0]}
    return [pickle.dumps({"blobs": blobs, "cfg": "text"}, protocol=protocol) for protocol in (0, 2, 4)]


def _weights(name: str) -> Callable[[Path], object]:
    return lambda folder: {key: tuple(x.shape) for key, x in checkpoint.read(folder / name).items()}


def _parts(folder: Path) -> tuple[Parts, Path]:
    film = folder / "film.mp4"
    return Parts(folder, "a network", GRID), film


def _make_part(folder: Path) -> list[bytes]:
    parts, film = _parts(folder)
    parts.save("film", Part(VALUES, ["dark"]), parts.sources(film))
    path = parts.path("film", parts.sources(film))
    content = path.read_bytes()
    path.rename(folder / "part")
    return [content]


def _read_part(folder: Path) -> object:
    parts, film = _parts(folder)
    (folder / "part").replace(parts.path("film", parts.sources(film)))
    found = parts.load("film", film)
    return parts.warnings("film", film), found and found.features.tobytes()[:9]


def _films(folder: Path) -> list[bytes]:
    kinds = {"mp4": "libx264", "mkv": "libx264", "avi": "mpeg4", "ts": "libx264", "h264": "libx264", "gif": "gif"}
    return [
        write(
            folder / f"x.{ending}",
            grey(12, 32, 32),
            codec=codec,
            pixels="rgb8" if ending == "gif" else "yuv420p",
            options={} if codec != "libx264" else {"preset": "ultrafast", "qp": "40"},
        ).read_bytes()
        for ending, codec in kinds.items()
    ]


def _read_film(folder: Path) -> object:
    footage = Footage(folder / "film")
    count = sum(1 for _ in islice(footage.frames(5.0, 16), 20_000))
    return duration_s(folder / "film"), count, footage.warnings


def _exchanged(name: str) -> Callable[[Path], list[bytes]]:
    """Files of an annotation tool, of marks that its format can hold, with and without line ends of Windows."""

    def make(folder: Path) -> list[bytes]:
        marks = (Mark("Wave & <go>", 1.25, 2.5, 0.5), Mark("Jump", 0.0, 1.0, 0.25), Mark("Jump", 0.5, 3.0))
        clips = [Clip("monday", marks, Path("/films/monday.mp4"), 60.0, 25.0)]
        text = next(iter(registry.formats()[name].texts(clips, ("Wave & <go>", "Jump")).values()))
        return [text.encode(), text.replace("\n", "\r\n").encode("utf-8-sig")]

    return make


def _corrected(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        found = corrections.collect([folder / name])
        return found.table(), found.truth()

    return read


def _inspected(name: str) -> Callable[[Path], object]:
    return lambda folder: inspection.inspect(str(folder / name)).text


def _make_lists(folder: Path) -> list[bytes]:
    return [b"video,subset,x\na,training,1\nb,validation,2\n", b"a  1.5 2\nb 3 4\n", b"v_a\nv_b\n"]


def _read_lists(folder: Path) -> object:
    return [
        _said(read)
        for read in (
            lambda: _files.read_table(folder / "list.csv", ("video", "subset"), CURE),
            lambda: _files.read_ambiguous(folder / "list.csv", {"a"}, CURE),
            lambda: _files.read_ids(folder / "list.csv", CURE),
        )
    ]


def _said(read: Callable[[], object]) -> object:
    from wstal.base.errors import UserError

    try:
        return read()
    except UserError as error:
        return str(error)


def _make_metrics(folder: Path) -> list[bytes]:
    paths = sorted(
        (Path(parameters.PARAMS).parent / "reports" / "metrics").glob("*.json"), key=lambda path: path.stat().st_size
    )
    return [path.read_bytes() for path in paths[:1]]


def _read_metrics(folder: Path) -> object:
    return metrics.read("x", Tree(folder)).rows


def _read_names(folder: Path) -> object:
    """The fuzzed file is text: an id and labels, one a line."""
    found = (folder / "names").read_bytes().decode("utf-8", "surrogateescape").split("\n")
    made = filenames.file_names(found)
    assert len(set(map(filenames.fold, made.values()))) == len(made) == len(set(found))
    for name in [*made.values(), *map(filenames.file_name, found)]:
        assert (folder / f"{name}.txt").parent == folder and len(name.encode()) <= filenames.LONGEST
        (folder / f"{name}.txt").touch()
    return csvfile.text([found])


TARGETS = {
    "npy": Target(lambda folder: [_bytes_of(lambda file: np.save(file, VALUES))], "x.npy", _features("x.npy")),
    "npz": Target(_npz, "x.npz", _features("x.npz", "x")),
    "h5": Target(_h5, "x.h5", _features("x.h5", "x")),
    "features.csv": Target(lambda folder: [b"1,2,3\n4,5,6\n"], "x.csv", _features("x.csv")),
    "objects": Target(_objects, "x.npy", _read_objects),
    "reduced": Target(_make_reduced, "columns.json", _read_reduced, 0.5),
    "annotations": Target(_make_json, "a.json", _read_json, 0.5),
    "basnet": Target(_make_basnet, "gt.json", _read_basnet, 0.5),
    "segments.csv": Target(_make_segments, "s.csv", _read_segments, 0.5),
    "labels.csv": Target(_make_labels, "labels.csv", _read_labels),
    "predictions": Target(_make_predictions, "p.json", _evaluate, 0.5),
    "truth": Target(_make_truth, "gt.json", _evaluate, 0.5),
    "manifest": Target(_make_store, "store/manifest.json", _read_store),
    "stream": Target(_make_stream, "store/rgb.npy", _read_store),
    "videos.json": Target(_make_videos, "videos.json", _read_videos),
    "metrics": Target(_make_metrics, "reports/metrics/x.json", _read_metrics, 0.5),
    "run.yaml": Target(_make_card, "run.yaml", card.read, 0.2),
    "params": Target(_make_params, "mine.yaml", _read_params, 0.4),
    "facts": Target(_make_facts, "later.yaml", _read_facts, 0.1),
    "torch": Target(_make_torch, "x.pth", _weights("x.pth")),
    "flax": Target(_make_flax, "x.msgpack", _weights("x.msgpack")),
    "pickle": Target(_make_pickles, "x.pkl", _weights("x.pkl")),
    "safetensors": Target(
        lambda folder: [save({"conv": VALUES, "bias": VALUES[0]})], "x.safetensors", _weights("x.safetensors")
    ),
    "part": Target(_make_part, "part", _read_part),
    "film": Target(_films, "film", _read_film, 0.5),
    "label studio": Target(_exchanged("labelstudio"), "t.json", _corrected("t.json"), 0.5),
    "via": Target(_exchanged("via"), "v.json", _corrected("v.json"), 0.5),
    "elan": Target(_exchanged("elan"), "e.eaf", _corrected("e.eaf")),
    "webvtt": Target(_exchanged("webvtt"), "w.vtt", _corrected("w.vtt"), 0.5),
    "srt": Target(_exchanged("srt"), "s.srt", _corrected("s.srt"), 0.5),
    "inspected annotations": Target(_make_json, "a.json", _inspected("a.json"), 0.5),
    "inspected predictions": Target(_make_predictions, "p.json", _inspected("p.json"), 0.5),
    "inspected table": Target(_make_segments, "s.csv", _inspected("s.csv"), 0.5),
    "inspected arrays": Target(_h5, "x.h5", _inspected("x.h5"), 0.5),
    "left out": Target(lambda folder: [b'["a", "b"]', b"a\nb\n"], "gone", lambda folder: left_out.read(folder / "gone"), 0.2),
    "lists": Target(_make_lists, "list.csv", _read_lists),
    "names": Target(lambda folder: ["a\nB\nb\né\ne\u0301\n.\n..\ncon\nx/y".encode()], "names", _read_names),
}
