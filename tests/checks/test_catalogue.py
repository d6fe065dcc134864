"""The list of checks: each is used, docs/checks.md prints it, and each finds what it is named for and passes what is right."""

import ast
import re
from collections.abc import Callable

import numpy as np
import pytest

from tests.made import make_detections, make_truth
from wstal.base.code import PACKAGE
from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Segment, Video
from wstal.checks.catalogue import CHECKS, listing
from wstal.checks.findings import Findings
from wstal.checks.grid import check_grid
from wstal.checks.segments import check_segments
from wstal.checks.streams import StreamChecks
from wstal.checks.videos_and_classes import check_classes, check_ids, check_labels, check_untrained
from wstal.datasets import inspection
from wstal.datasets.readers import _files
from wstal.evaluation.evaluate import PROTOCOLS, evaluate

GRID = TimeGrid(fps=25.0, stride_f=16, window_f=16)
RNG = np.random.default_rng(0)


def used() -> set[str]:
    """The first argument of every call `….found("…", …)` of the package."""
    calls = [
        node
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "found"
    ]
    return {value.value for call in calls for value in ast.walk(call.args[0]) if isinstance(value, ast.Constant)}


EVALUATED = {  # notes of wstal/evaluation/evaluate.py
    "undetected video", "undetected class", "foreign label", "foreign video", "other unit",
}  # fmt: skip


def test_the_list_is_what_the_package_looks_for():
    assert used() == set(CHECKS) - EVALUATED


def test_the_document_prints_the_list():
    assert listing() in (ROOT / "docs/checks.md").read_text(encoding="utf-8")


def videos(count=6, ratio=1.0, **changes) -> dict[str, tuple[int, float]]:
    """{video: (snippets, seconds)} of videos whose features cover `ratio` times their length; `changes` replace ratios."""
    lengths_s = {f"v{i}": 20.0 + 7.3 * i for i in range(count)}
    return {v: (int(s * changes.get(v, ratio) * 25 / 16), s) for v, s in lengths_s.items()}


def streams(change: Callable = lambda found: None, dims=(6, 6)):
    """Findings on features of eight videos, half of them for training, after `change` of {video: {stream: (T, D)}}."""
    means = [np.arange(1, d + 1) * 10.0**k for k, d in enumerate(dims)]
    found = {
        f"v{i}": {name: RNG.normal(mean, 0.1, (5, len(mean))) for name, mean in zip(("rgb", "flow"), means, strict=True)}
        for i in range(8)
    }
    change(found)
    findings = Findings("x")
    checks = StreamChecks(findings)
    for video, arrays in found.items():
        checks.see(video, arrays)
    hashes = {v: {s: str(hash(x.tobytes())) for s, x in arrays.items()} for v, arrays in found.items()}
    checks.finish(hashes, {f"v{i}": "train" if i < 4 else "test" for i in range(8)})
    return findings


def gathered(check: Callable, *arguments) -> Findings:
    findings = Findings("x")
    check(*arguments, findings)
    return findings


def of_streams(target, name, source, other):
    def change(found):
        found[target][name] = found[source][other].copy()

    return lambda: streams(change)


def zero(found):
    for arrays in found.values():
        arrays["rgb"] = arrays["rgb"] * 0


def swap(found):
    found["v2"] = {"rgb": found["v2"]["flow"], "flow": found["v2"]["rgb"]}


def lists() -> Findings:
    findings = Findings("x")
    with findings.gathering():
        _files.disjoint({"train": ["a", "b", "c"], "test": ["b", "c"]}, ROOT)
    return findings


def detected(*rows):
    return inspection.of_detections(make_detections(rows, videos=("a",), labels=("x",)), Findings("x")).findings


SEGMENT = Segment("a", "Wave", 1.0, 2.0)
TRAIN, TEST = Video("a", "train", 9.0, ("Wave",)), Video("b", "test", 9.0, ("Wave", "Bend"))

# check -> what it finds in, and what its sentence names
CASES: dict[str, tuple[Callable[[], Findings], str]] = {
    "empty label": (lambda: gathered(check_labels, ["Wave", " "]), "a label is empty"),
    "tidied label": (lambda: gathered(check_labels, ["Wave ", "Wave", "Cafe\u0301"]), r"'Wave ' is read as 'Wave'"),
    "look-alike classes": (lambda: gathered(check_classes, {"Red": 3, "red": 1, "Blue": 2}), r"'Red' \(3 videos\) and 'red' "),
    "id twice": (lambda: gathered(check_ids, ["a", "b", "a"]), "'a' is there 2 times"),
    "look-alike ids": (lambda: gathered(check_ids, ["A1", "a1", "v_b", "b", "c"]), "'A1' and 'a1' .* 'v_b' and 'b'"),
    "shared video": (lists, "video b is in the lists of train and test; video c is"),
    "untrained class": (lambda: gathered(check_untrained, ("Wave", "Bend"), [TRAIN, TEST]), r"'Bend' \(1 video for testing"),
    "backward segment": (lambda: gathered(check_segments, [Segment("a", "Wave", 2, 1)]), r"\[2, 1\] of video 'a' ends before"),
    "negative segment": (lambda: gathered(check_segments, [Segment("a", "Wave", -1, 1)]), r"\[-1, 1\] of video 'a' starts"),
    "empty segment": (lambda: gathered(check_segments, [Segment("a", "Wave", 1, 1)]), r"\[1, 1\] of video 'a' lasts no time"),
    "doubled segment": (lambda: gathered(check_segments, [SEGMENT, SEGMENT]), r"\[1.0, 2.0\] of video 'a' is there 2 times"),
    "wrong grid": (lambda: gathered(check_grid, "rgb", videos(ratio=1.2), GRID), r"cover about 1\.20 times .*fps 30"),
    "drifting grid": (
        lambda: gathered(check_grid, "rgb", {f"{i}": (int(i * 29.97 / 16), i) for i in range(30, 400)}, TimeGrid(30.0, 16, 16)),
        r"cover about 0\.99\d\d times .*fps 29\.97",
    ),
    "odd length": (lambda: gathered(check_grid, "rgb", videos(v3=0.6), GRID), r"'v3' covers 0\.60 times its length"),
    "zero stream": (lambda: streams(zero), "all features of stream 'rgb' are zero, in all 8 videos"),
    "zero features": (lambda: streams(lambda found: found["v1"].update(rgb=np.zeros((5, 6)))), "stream 'rgb' of video 'v1'"),
    "constant features": (
        lambda: streams(lambda found: found["v1"].update(rgb=np.full((5, 6), 3.0))),
        "all 5 snippets of stream 'rgb' of video 'v1'",
    ),
    "identical streams": (of_streams("v1", "rgb", "v1", "flow"), "'rgb' and 'flow' of video 'v1' hold the same"),
    "swapped streams": (lambda: streams(swap), "'rgb' and 'flow' of video 'v2' look exchanged"),
    "shared features": (of_streams("v1", "rgb", "v6", "rgb"), "training video 'v1' and test video 'v6' have the same 'rgb'"),
    "same features": (of_streams("v1", "rgb", "v2", "rgb"), "stream 'rgb' of videos 'v1', 'v2'"),
    "repeated line": (None, ""),  # tests/datasets/readers/test_labels_csv.py
    "doubled detection": (lambda: detected((0, 0, 1, 2, 0.5), (0, 0, 1, 2, 0.5)), r"'x' \[1, 2\] of video 'a'"),
    "negative detection": (lambda: detected((0, 0, -1, 2, 0.5)), r"'x' \[-1, 2\] of video 'a'"),
}  # fmt: skip


def test_every_check_has_a_case():
    assert set(CASES) | EVALUATED == set(CHECKS)


@pytest.mark.parametrize("check", [name for name, (make, _) in CASES.items() if make])
def test_each_finds_what_it_is_named_for(check):
    """Refused or noted as the list says, in one sentence with a cure."""
    make, sentence = CASES[check]
    findings = make()
    if CHECKS[check].refused:
        with pytest.raises(UserError, match=sentence) as caught:
            findings.refuse()
        said = str(caught.value)
    else:
        findings.refuse()
        (said,) = [note for note in findings.notes if note.startswith(f"{check}: ")]
    assert "\n" not in said and "; " in said and said.endswith(".")
    assert re.search(sentence, said)


def test_what_is_right_passes():
    right = [
        gathered(check_labels, ["Wave", "Überschlag", "Dive, high"]),
        gathered(check_classes, {"Wave": 3, "Bend": 1, "Class1": 1, "Class2": 1, "shaking head": 30, "shaving head": 40}),
        gathered(check_ids, ["a", "b", "v_c"]),
        gathered(check_untrained, ("Wave",), [TRAIN]),
        gathered(check_segments, [SEGMENT, Segment("a", "Bend", 1.0, 2.0), Segment("b", "Wave", 0.0, 2.0)]),
        gathered(check_grid, "rgb", videos(), GRID),
        gathered(check_grid, "rgb", {"a": (30, 19.0)}, GRID),
        streams(),
        streams(dims=(6, 4)),
        detected((0, 0, 1, 2, 0.5), (0, 0, 1, 2, 0.4)),
    ]
    assert [(findings.answer, findings.notes) for findings in right] == [("", ())] * len(right)


TRUTH = make_truth([(0, 0, 0, 10), (1, 1, 0, 10)], videos=("monday", "tuesday"), labels=("Jump", "Wave"))


def test_the_checks_of_detections_are_notes_of_the_evaluation():
    found = make_detections([(0, 0, 0, 10, 0.9), (1, 1, 0, 10, 0.8)], videos=("monday", "Tuesday"), labels=("Jump", "wave"))
    notes = evaluate(TRUTH, found, PROTOCOLS["activitynet"], [0.5]).notes
    assert notes == (
        "Ignored 1 detection of 1 label without a ground-truth instance: 'wave' (nearest: 'Wave').",
        "Found 1 detection in 1 video outside the ground truth, counted as false positives: 'Tuesday' (nearest: 'tuesday').",
        "Found 1 class without a detection, so their AP is 0: 'Wave'.",
        "Found no detection in 1 of 2 annotated videos, whose instances count as missed (see --leave-out): 'tuesday'.",
    )
