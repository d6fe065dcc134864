"""What README and CONTRIBUTING say is so: links lead somewhere, rooms are as drawn, blocks to copy work as they stand."""

import re
import subprocess
import sys
import textwrap

import msgspec
import pytest
import torch
import yaml

from wstal import methods
from wstal.base.code import PACKAGE
from wstal.base.paths import ROOT
from wstal.base.yamlfile import merge
from wstal.config import parameters, resolve
from wstal.config.parameters import Entry, Features

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language):
    """Code blocks of a document, without the indent that a list gives them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text(name), re.M | re.S)
    return [textwrap.dedent(body) for _, body in found]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name):
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text(name)) if "://" not in link]
    assert [link for link in links if link and not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_of_the_package_that_are_named_are_there(name):
    named = re.findall(r"`((?:wstal|tests|scripts|notebooks)/[\w./-]+\.(?:py|ipynb|yaml))`", text(name))
    assert [file for file in named if "acme" not in file and not (ROOT / file).is_file()] == []


def test_the_rooms_are_as_drawn():
    done = subprocess.run([sys.executable, "scripts/rooms.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert blocks("CONTRIBUTING.md", "text")[0] == done.stdout


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
    """Of README's YAML blocks those with this key, as mappings."""
    return [found for block in blocks("README.md", "yaml") if key in (found := yaml.safe_load(block))]


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
