"""Published facts are as strict as params.yaml: every fault is one sentence with file, place and cure."""

import shutil

import pytest
import yaml

from wstal import published
from wstal.base.errors import UserError
from wstal.published import facts

ENTRY = {
    "title": "A paper, Table 1",
    "claim": "It is good.",
    "columns": ["0.5", "AVG"],
    "rows": {
        "theirs": {"label": "Another's", "values": [30.0, None], "elsewhere": True},
        "full": {"label": "Full", "values": [40, 35.5]},
        "bare": {"label": "Bare"},
    },
    "claims": [
        {"text": "full is better", "better": "full", "worse": "bare"},
        {"text": "at 0.5, too", "better": "full", "worse": "bare", "at": 0.5},
    ],
}
SUBSET = {
    "videos": 10, "instances": None, "mean_video_s": 9.5, "instances_a_video": None, "mean_instance_s": 2, "background": 0.3
}  # fmt: skip
STATISTICS = {"title": "A set", "source": "counted", "train": SUBSET, "test": SUBSET, "two_classes": None}


def changed(content, place, value):
    """A copy with another value at a dotted place; None removes it."""
    copy = yaml.safe_load(yaml.safe_dump(content))
    *parents, last = [int(name) if name.isdecimal() else name for name in place.split("/")]
    inner = copy
    for name in parents:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return copy


@pytest.fixture
def folder(tmp_path):
    """A folder with one paper, one dataset and the committed backbones."""
    shutil.copy(published.FOLDER / "backbones.yaml", tmp_path)
    write(tmp_path / "acme.yaml", {"table1": ENTRY})
    write(tmp_path / "films.yaml", STATISTICS)
    return tmp_path


def write(path, content):
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def test_what_is_read(folder):
    found = facts.read(folder)
    paper = found.entries["table1"]
    assert (paper.title, paper.claim, paper.columns) == ("A paper, Table 1", "It is good.", ("0.5", "AVG"))
    assert paper.rows["full"].values == (40, 35.5) and paper.rows["bare"].values == ()
    assert [row for row, content in paper.rows.items() if content.elsewhere] == ["theirs"]
    assert [(claim.better, claim.worse, claim.at) for claim in paper.claims] == [("full", "bare", None), ("full", "bare", 0.5)]
    assert found.statistics["films"].train.mean_video_s == 9.5 and found.source["table1"] == folder / "acme.yaml"
    assert found.backbones.backbones.classes == 400


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("clams", [], r"table1: .*unknown field `clams`; mend it, its keys are title, claim, columns, rows, claims"),
        ("title", None, r"table1: .*missing required field `title`"),
        ("columns", "0.5", r"table1: Expected `array`, got `str` - at `\$\.columns`"),
        ("columns", ["0.50", "AVG"], r"table1: column '0\.50' is neither a tIoU such as '0\.5' nor AVG"),
        ("columns", ["0.5", "avg"], r"column 'avg' is neither"),
        ("columns", ["50", "AVG"], r"column '50' is neither"),
        ("columns", ["0", "AVG"], r"column '0' is neither"),
        ("columns", ["AVG", "AVG"], r"column 'AVG' stands twice"),
        ("rows/full/lable", "Full", r"table1\.rows\.full: .*unknown field `lable`; .*its keys are label, values, elsewhere"),
        ("rows/full/label", None, r"table1\.rows\.full: .*missing required field `label`"),
        ("rows/full/label", 3, r"table1\.rows\.full: Expected `str`, got `int`"),
        ("rows/full/values", [40], r"table1: row 'full' has 1 values for 2 columns"),
        ("rows/full/values", [40, 35, 1], r"table1: row 'full' has 3 values for 2 columns"),
        ("rows/full/values", [40, "35"], r"table1\.rows\.full: Expected `float \| null`, got `str`"),
        ("rows/full/values", [40, 135], r"table1\.rows\.full: Expected `float` <= 100"),
        ("rows/theirs/elsewhere", "yes", r"table1\.rows\.theirs: Expected `bool`, got `str`"),
        ("rows/full", "Full", r"table1\.rows\.full: Expected `object`, got `str`"),
        ("rows", ["full"], r"table1\.rows holds no `name: \.\.\.`"),
        ("rows/25", {"label": "x"}, r"table1\.rows: 25 is no name; put it in quotation marks"),
        ("claims/0/beter", "full", r"table1, claim 1: .*unknown field `beter`; mend it, its keys are text, better, worse, at"),
        ("claims/1/worse", None, r"table1, claim 2: .*missing required field `worse`"),
        ("claims/1/att", 0.5, r"table1, claim 2: .*unknown field `att`"),
        ("claims/1/at", "0.5", r"table1, claim 2: Expected `float \| null`, got `str`"),
        ("claims/1/at", True, r"table1, claim 2: Expected `float \| null`, got `bool`"),
        ("claims/1/worse", "full_25", r"table1: claim 'at 0\.5, too' names row 'full_25', which is not .* \(nearest: full, "),
        ("claims/1/worse", "full", r"table1, claim 2: `better` and `worse` are both 'full'"),
        ("claims", {"better": "full"}, r"table1\.claims is no list; begin each item with `- `"),
    ],
)  # fmt: skip
def test_a_fault_of_an_entry_is_a_sentence(folder, place, value, sentence):
    write(folder / "acme.yaml", {"table1": changed(ENTRY, place, value)})
    with pytest.raises(UserError, match=sentence) as error:
        facts.read(folder)
    assert "acme.yaml" in str(error.value) and str(error.value).endswith(".")


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("sorce", "x", "unknown field `sorce`"),
        ("two_classes", None, "missing required field `two_classes`"),
        ("two_classes", 1.5, r"Expected `float` <= 1"),
        ("train/background", None, r"missing required field `background`"),
        ("test/mean_video", 3, r"unknown field `mean_video` - at `\$\.test`"),
        ("test", None, "missing required field `test`"),
    ],
)
def test_a_fault_of_statistics_is_a_sentence(folder, place, value, sentence):
    write(folder / "films.yaml", changed(STATISTICS, place, value))
    with pytest.raises(UserError, match=rf"films\.yaml: .*{sentence}.*its keys are title, source, train, test, two_classes"):
        facts.read(folder)


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("backbones/rows/csn_ir101/mac", 3.0, r"backbones\.rows\.csn_ir101: .*unknown field `mac`"),
        ("backbones/rows/csn_ir101/frames", 0, r"backbones\.rows\.csn_ir101: Expected `int` >= 1"),
        ("backbones/classes", None, "missing required field `classes`"),
        ("backbone_clips/caption", None, "missing required field `caption`"),
        ("backbone_clip", {}, "unknown field `backbone_clip`"),
    ],
)
def test_a_fault_of_the_backbones_is_a_sentence(folder, place, value, sentence):
    path = folder / "backbones.yaml"
    write(path, changed(yaml.safe_load(path.read_text(encoding="utf-8")), place, value))
    with pytest.raises(UserError, match=rf"backbones\.yaml.*{sentence}"):
        facts.read(folder)


def test_an_entry_in_two_files_is_a_sentence(folder):
    write(folder / "later.yaml", {"table1": ENTRY})
    with pytest.raises(UserError, match=r"later\.yaml: 'table1' stands in .*acme\.yaml as well; remove one"):
        facts.read(folder)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("table1: {title: a}\ntable1: {title: b}\n", r"key 'table1' stands twice.*line 1.*mend that line"),
        ("table1: {title: a, rows: {x: {label: a}, x: {label: b}}}\n", "key 'x' stands twice"),
        ("table1: {title: a, claim: b, claim: c}\n", "key 'claim' stands twice"),
        ("table1: [", r"acme\.yaml is not valid YAML"),
        ("", r"acme\.yaml is empty; restore it with `git checkout wstal/published`"),
        ("- a\n", r"acme\.yaml holds no sections `name: \.\.\.`"),
        ("table1:\n", "table1 holds no `name: "),
    ],
)
def test_a_broken_file_is_a_sentence(folder, text, sentence):
    (folder / "acme.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        facts.read(folder)


def test_a_missing_file_of_backbones_is_a_sentence(folder):
    (folder / "backbones.yaml").unlink()
    with pytest.raises(UserError, match=r"backbones\.yaml is missing; restore it with `git checkout wstal/published`"):
        facts.read(folder)
