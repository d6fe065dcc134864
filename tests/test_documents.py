"""What README, CONTRIBUTING and docs/ say is so: links lead somewhere, rooms are as drawn, blocks to copy work."""

import re
import shlex
import subprocess
import sys
import textwrap

import msgspec
import pytest
import torch
import yaml

import wstal
from wstal import methods
from wstal.app import cli
from wstal.base.code import PACKAGE
from wstal.base.conversion import merge
from wstal.base.paths import ROOT
from wstal.config import parameters, resolve
from wstal.config.parameters import Entry, Features

DOCS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", *DOCS)


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language):
    """Code blocks of a document, without the indent that a list gives them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text(name), re.M | re.S)
    return [textwrap.dedent(body) for _, body in found]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name):
    """And to headings, where they name one."""
    dead = []
    for link in (link for link in re.findall(r"\]\(([^)\s]+)\)", text(name)) if "://" not in link):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_prose_is_within_128(name):
    prose = re.sub(r"^ *```.*?^ *```", "", text(name), flags=re.M | re.S)
    assert [line for line in prose.splitlines() if len(line) > 128 and not line.startswith(("|", "!["))] == []


def anchors(document):
    """What GitHub calls the headings of a document."""
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.+)$", document, re.M)}


def test_the_contents_of_readme_are_its_headings():
    headings = re.findall(r"^## (.+)$", text("README.md"), re.M)
    assert re.findall(r"^- \[([^\]]+)\]\(#", text("README.md"), re.M) == headings


COMMANDS = [(name, line) for name in DOCUMENTS for block in blocks(name, "sh") for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize(("name", "line"), COMMANDS)
def test_every_command_is_one(name, line):
    """Its words are what the program takes; what it names of the repository is there. Other tests run what runs in seconds."""
    words = shlex.split(line, comments=True)
    while words and "=" in words[0]:
        words = words[1:]  # WSTAL_X=y before a command
    if words[:1] == ["sbatch"]:
        words = shlex.split(words[words.index("--wrap") + 1].replace("$SLURM_ARRAY_TASK_ID", "1"))
    program, *rest = words or ["#"]
    if program == "wstal":
        cli._parser(rest).parse_args(rest)
    elif program == "make":
        assert all(re.search(rf"^{target}:", text("Makefile"), re.M) for target in rest if "=" not in target)
    elif program == "python":
        assert [word for word in rest if "/" in word and not (ROOT / word).exists() and "." in word] == []
    else:
        assert program in ("#", "dvc", "git", "conda", "pre-commit", "."), line


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_of_the_package_that_are_named_are_there(name):
    named = re.findall(r"`((?:wstal|tests|scripts|notebooks)/[\w./-]+\.(?:py|ipynb|yaml))`", text(name))
    assert [file for file in named if "acme" not in file and not (ROOT / file).is_file()] == []


def test_citation_is_of_this_version_and_of_every_method():
    citation = yaml.safe_load(text("CITATION.cff"))
    papers = re.findall(r"^\| [^|]+ \| [^|*]+, \*([^*]+)\*, [^|]+ \| [^|]+ \|$", text("README.md"), re.M)
    assert citation["version"] == wstal.__version__
    assert sorted(one["title"] for one in citation["references"]) == sorted(papers)
    assert len(papers) == len(methods.names())


def test_the_rooms_are_as_drawn():
    done = subprocess.run([sys.executable, "scripts/rooms.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert blocks("CONTRIBUTING.md", "text")[0] == done.stdout


def test_the_table_of_the_house_has_every_room():
    table = text("CONTRIBUTING.md").partition("| room | from → to |")[2].partition("\n\n")[0]
    named = {name.split("/")[0] for cell in re.findall(r"^\| (.+?) \|", table, re.M) for name in re.findall(r"`(.+?)`", cell)}
    assert named == {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_walks_pass_files_that_are_there():
    ((count, walks),) = re.findall(r"^Three walks.* (\d+) files.*?\n\n(.*?)\n\n", text("CONTRIBUTING.md"), re.M | re.S)
    passed = re.findall(r"`(\w+/\w+\.py)`", walks)
    assert walks.count("\n- ") == 2 and len(passed) == int(count)
    assert [file for file in passed if not (PACKAGE / file).is_file()] == []


@pytest.fixture
def acme(monkeypatch):
    """The method that CONTRIBUTING writes, as if it lay in wstal/methods."""
    code, _ = blocks("CONTRIBUTING.md", "python")
    space = {"__name__": "wstal.methods.acme"}
    exec(code, space)
    load = methods.load
    monkeypatch.setattr(methods, "load", lambda name: space["Acme"] if name == "acme" else load(name))
    return space["Acme"]


def test_the_method_to_copy_is_a_method(acme, raw):
    """With the section to copy it resolves, trains a step, and gives padding no say."""
    (section,) = (yaml.safe_load(block) for block in blocks("CONTRIBUTING.md", "yaml"))
    params = parameters.load(merge(raw, {"methods": section}))
    row = resolve.row(params, Entry(dataset="thumos14-sim", notebook="04_table"), {"method": "acme"}, "entries.mine.rows.acme")
    assert row.method == "acme"
    torch.manual_seed(0)
    model, labels = acme(6, 3, row.params), torch.tensor([[1.0, 0.0, 1.0]])
    x, mask = torch.rand(1, 9, 6), torch.ones(1, 9, dtype=torch.bool)
    wide, real = torch.cat([x, torch.rand(1, 4, 6)], 1), torch.cat([mask, torch.zeros(1, 4, dtype=torch.bool)], 1)
    one, other = (model.losses(model(*bag), labels, bag[1])["cls"] for bag in ((x, mask), (wide, real)))
    torch.testing.assert_close(one, other)
    one.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_the_test_to_copy_passes(acme):
    _, code = blocks("CONTRIBUTING.md", "python")
    space = {"Acme": acme, "Params": acme.Params, "torch": torch, "pytest": pytest}
    exec(code, space)
    torch.manual_seed(0)
    space["test_one_in_top_snippets_is_pooled"]()


def sections(key):
    """Of the YAML blocks of README and docs/ those with this key, as mappings."""
    found = [yaml.safe_load(block) for name in ("README.md", *DOCS) for block in blocks(name, "yaml")]
    return [block for block in found if key in block]


def test_dataset_sections_to_copy_fit():
    datasets = [section for block in sections("datasets") for section in block["datasets"].values()]
    assert datasets
    for section in datasets:
        msgspec.convert(section["features"], Features)


def test_entries_to_copy_fit():
    entries = [block["entries"] for block in sections("entries")]
    assert entries
    for section in entries:
        msgspec.convert(section, dict[str, Entry])
