"""`--device` without a GPU: what is refused, and what processes are told."""

import pytest

from wstal.app import cli, devices
from wstal.base import seeding
from wstal.base.errors import UserError


@pytest.fixture(autouse=True)
def variable(monkeypatch):
    monkeypatch.setenv(devices.VARIABLE, "cpu")


@pytest.mark.parametrize(("name", "count"), [("cpu", 0), ("cuda", 1), ("cuda:0", 1), ("cuda:3", 4)])
def test_a_device_that_is_there_is_the_one_that_is_worked_on(name, count, monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: count)
    devices.choose(name)
    assert str(seeding.device()) == name
    devices.choose(None)
    assert str(seeding.device()) == name


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("gpu", 1, "'gpu' is no device; write cpu, cuda, or cuda:1"),
        ("cuda:x", 1, "is no device"),
        ("cuda", 0, "there is no cuda: this machine has no GPU that torch can use"),
        ("cuda:1", 1, "there is no cuda:1: this machine has 1 GPU, from cuda:0 on"),
        ("cuda:4", 4, "has 4 GPUs"),
    ],
)
def test_what_is_no_device_is_a_sentence(name, count, words, monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: count)
    with pytest.raises(UserError, match=words):
        devices.choose(name)


@pytest.mark.parametrize("command", [["train", "t.csv", "--videos", "v", "--out", "o"], ["localize", "a.mp4", "--run", "r"]])
def test_commands_say_so_before_any_work(command, monkeypatch, capsys):
    monkeypatch.setattr(devices, "gpus", lambda: 0)
    assert cli.main([*command, "--device", "cuda:1"]) == 1
    assert "wstal: there is no cuda:1: this machine has no GPU" in capsys.readouterr().err
