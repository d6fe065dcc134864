"""One's own videos, from files to intervals, through a backbone that sees colours; what goes wrong is one sentence."""

import errno
import re
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec
import nbformat
import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from tests.features.films import write
from wstal.app import cli, film, opening, own_videos
from wstal.app.own_videos import NAME
from wstal.base import paths, workers
from wstal.base.conversion import merge
from wstal.base.errors import MachineError, UserError
from wstal.base.paths import Tree
from wstal.config import parameters, plan
from wstal.datasets import prepare
from wstal.detect import detections
from wstal.features.backbones import registry
from wstal.features.extraction import recipes
from wstal.features.extraction.partfiles import Parts
from wstal.features.pixels.decode import Footage
from wstal.training import card as cards
from wstal.training import experiment

FRAMES = 160
ACTION_F = (48, 112)
QUICKEST = {"crf": "20", "preset": "ultrafast"}
COLOURS = {"Red": (200, 40, 40), "Blue": (40, 40, 200)}


class Colours(torch.nn.Module):
    """(N, 3, T, H, W) -> (N, 6): how far the colours are above and below grey."""

    def __init__(self, classes):
        super().__init__()
        self.head = torch.nn.Linear(6, classes)

    def forward(self, x):
        mean = x.mean((2, 3, 4))
        return 3 * torch.cat([mean.relu(), (-mean).relu()], dim=1)


def frames(label, seed):
    """Grey noise, with a stretch in the colour of the label."""
    rng = np.random.default_rng(seed)
    for f in range(FRAMES):
        colour = COLOURS[label] if ACTION_F[0] <= f < ACTION_F[1] else (110, 110, 110)
        yield np.clip(np.array(colour) + rng.normal(0, 12, (48, 64, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A folder with three training videos and a new one of each class."""
    folder = tmp_path_factory.mktemp("films")
    for seed, name in enumerate(f"{label}{part}" for label in COLOURS for part in ("1", "2", "3", "_new")):
        write(folder / f"{name}.mp4", frames(name.rstrip("123").removesuffix("_new"), seed), options=QUICKEST)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file with the weights of `Colours`."""
    path = tmp_path_factory.mktemp("weights") / "colours.safetensors"
    save_file(Colours(2).state_dict(), path)
    return path


@pytest.fixture
def settings(monkeypatch, tmp_path, weights):
    """Parameters laid over params.yaml: `Colours` for a backbone, a small network. Everything runs in this process."""
    colours = replace(registry.load("i3d_rgb"), name="colours", width=6, network=Colours, layouts=(), package=None)
    monkeypatch.setattr(registry, "load", lambda name: colours)
    monkeypatch.setattr(workers, "pool", lambda size, any_instruction=False: ThreadPoolExecutor(size))
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.setattr(experiment, "parallel", lambda function, jobs, what, sizes=(): [function(*job) for job in jobs])
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    small = {"params": {"hidden": 32, "dropout": 0.2}, "optimizer": {"lr": 0.01}, "training": {"batch_videos": 6}}
    extraction = {"short_side": 36, "size": 32, "weights": str(weights)}
    return {NAME: {"steps": 100, "folds": 0, "features": {"extraction": extraction}, "overrides": {"wtalc": small}}}


@pytest.fixture
def labels(films, tmp_path):
    """The table of the training videos."""
    lines = [f"{label}{number}.mp4,{label}" for label in COLOURS for number in (1, 2, 3)]
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["video,label", *lines]) + "\n")
    return path


@pytest.fixture
def raw(raw, settings):
    return merge(raw, settings)


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """Where the first test that needs a trained run leaves it for the others."""
    return tmp_path_factory.mktemp("once")


@pytest.fixture
def run(raw, labels, films, tmp_path, once):
    """A trained run folder, with its features in the cache: a copy for each test of what is trained once."""
    if not (once / "run").exists():
        own_videos.train(raw, labels, films, once / "new", method="wtalc", seed=0)
        shutil.copytree(paths.CACHE, once / "cache")
        (once / "new").rename(once / "run")
    for name in ("cache", "run"):
        shutil.copytree(once / name, tmp_path / name, dirs_exist_ok=True)
    return tmp_path / "run"


def new(films):
    return [films / f"{label}_new.mp4" for label in COLOURS]


def test_actions_are_found_where_they_are(raw, run, films, tmp_path):
    located = own_videos.localize(raw, new(films), run, tmp_path / "found")
    assert located.summary.failures == {} and located.summary.computed == 2
    first, end = ACTION_F[0] / 25, ACTION_F[1] / 25
    for label in COLOURS:
        rows = np.flatnonzero(located.shown.video == located.shown.videos.index(f"{label}_new"))
        best = rows[np.argmax(located.shown.score[rows])]
        start_s, end_s = located.shown.start_s[best], located.shown.end_s[best]
        overlap = min(end_s, end) - max(start_s, first)
        assert located.shown.labels[located.shown.label[best]] == label
        assert overlap / (max(end_s, end) - min(start_s, first)) > 0.5


def test_the_command_that_makes_it_again_can_be_pasted(raw, run, films, tmp_path):
    shutil.copyfile(films / "Red_new.mp4", film := tmp_path / "a new film.mp4")
    own_videos.localize(raw, [film], run, tmp_path / "found")
    assert "'a new film.mp4' --run run --out OUT" in (tmp_path / "found" / "provenance.yaml").read_text()


def test_files_say_the_same(raw, run, films, tmp_path):
    located = own_videos.localize(raw, new(films), run, tmp_path / "found")
    out = tmp_path / "found"
    files = ["detections.csv", "elan/Blue_new.txt", "elan/Red_new.txt", "predictions.json", "provenance.yaml", "timeline.html"]
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == files
    assert len(detections.read_json(out / "predictions.json")) == len(located.found)
    lines = (out / "detections.csv").read_text().splitlines()
    assert lines[0] == "video,start_s,end_s,label,score" and len(lines) == 1 + len(located.shown)
    elan = [line for video in located.shown.videos for line in (out / "elan" / f"{video}.txt").read_text().splitlines()[1:]]
    assert [line.split("\t")[1:3] for line in elan] == [line.split(",")[1:3] for line in lines[1:]]
    page = (out / "timeline.html").read_text()
    assert all(page.count(f"<h2>{video}</h2>") == 1 for video in located.shown.videos)
    assert page.count('class="card hue') == len(located.shown) and located.table.rows[0] == tuple(lines[1].split(","))


def test_a_run_folder_is_all_that_is_needed(raw, run, films, tmp_path):
    """Copied elsewhere, with other settings in params.yaml and nothing cached: the same detections, to the byte."""
    own_videos.localize(raw, new(films), run, tmp_path / "one")
    shutil.copytree(run, tmp_path / "copy")
    shutil.rmtree(run)
    shutil.rmtree(paths.CACHE)
    other = merge(raw, {NAME: {"features": {"extraction": {"size": 20}, "grid": {"stride_f": 8}}}, "methods": {}})
    own_videos.localize(other, new(films), tmp_path / "copy", tmp_path / "two")
    for name in ("predictions.json", "detections.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_run_folder_tells_what_it_is_and_how_sure_its_classes_are(raw, films, tmp_path):
    """Losses, a summary, accuracy by cross-validation; a video without any action and one that is alone in its class."""
    rows = [f"{label}{number}.mp4,{label}" for label in COLOURS for number in (1, 2, 3)]
    shutil.copytree(films, folder := tmp_path / "films")
    write(folder / "Grey.mp4", [np.full((48, 64, 3), 110, np.uint8)] * FRAMES)
    write(folder / "Odd.mp4", [np.full((48, 64, 3), 40, np.uint8)] * FRAMES)
    (folder / "broken.mp4").write_bytes(b"noise" * 100)
    (tmp_path / "t.csv").write_text("\n".join(["video,label", *rows, "Grey,-", "Odd,Dark", "broken,Red"]) + "\n")
    told: list[str] = []
    crossing = merge(raw, {NAME: {"folds": 3}})
    out = tmp_path / "run"
    outcome = own_videos.train(crossing, tmp_path / "t.csv", folder, out, method="wtalc", seed=0, tell=told.append)
    assert re.search(r"Red +4\n", f"{told[0]}\n") and re.search(r"without any action: +1\n", told[0])
    assert told[1].startswith("training wtalc on 8 videos without broken, ")
    assert outcome.crossed.alone == ("Grey", "Odd") and len(outcome.crossed.held) == 6 and outcome.crossed.commonest == 3
    assert outcome.crossed.right == 6 and outcome.crossed.by_class() == {"Blue": (3, 3), "Red": (3, 3)}
    header, *lines = (out / "losses.csv").read_text().splitlines()
    assert header == "network,step,mil,casl,weighted_sum" and len(lines) == 8 * cards.read(out).settings.training.epochs // 6
    weights = cards.read(out).settings.weights
    mil, casl, total = map(float, lines[-1].split(",")[2:])
    assert total == pytest.approx(weights["mil"] * mil + weights["casl"] * casl, rel=1e-4)
    text = (out / "summary.md").read_text()
    for words in (
        "on 8 videos",
        "| Red | 4 | 0 |",
        "broken.mp4 cannot be decoded",
        "6 of 6 videos (100 %)",
        "| Blue | 3 | 3 |",
    ):
        assert words in text
    assert "they show none: Grey, Odd." in text and (out / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert cards.read(out).classes == ("Blue", "Dark", "Red")


def test_nothing_is_extracted_twice(raw, run, films, labels, tmp_path):
    again = own_videos.train(raw, labels, films, tmp_path / "other", method="wtalc", seed=1)
    assert (again.computed, again.reused) == (0, 6)
    assert cards.read(tmp_path / "other").settings.training.epochs == 100  # 100 steps of 6 of 6 videos


def test_training_takes_no_fewer_steps_than_are_set(raw):
    """100 steps of 6 videos: of 7, 85 epochs would be 85 x 7 / 6 = 99 steps."""
    section = own_videos.settings(raw).features
    plans = {videos: own_videos.rows_plan(raw, section, "wtalc", 0, videos) for videos in (0, 1, 6, 7)}
    assert {videos: one.rows["wtalc"].training.epochs for videos, one in plans.items()} == {0: 600, 1: 600, 6: 100, 7: 86}


def test_bags_shrink_with_the_videos_where_a_method_resamples_them(raw):
    """um takes 750 snippets of THUMOS14's 327: of 32.7 it takes 75; facnet and wtalc are as released, as is what is long."""
    section = own_videos.settings(raw).features

    def training(method, length_t, **own):
        rows = own_videos.rows_plan(merge(raw, {NAME: own}), section, method, 0, 16, length_t).rows
        return rows[method].training

    counts = {length_t: training("um", length_t).snippets.count for length_t in (32.7, 326.0, 327.0, 5000.0, None)}
    assert counts == {32.7: 75, 326.0: 748, 327.0: 750, 5000.0: 750, None: 750}
    assert training("lgbm", 18.4).snippets.count == 20  # of HACS's 184
    assert training("um", 32.7).epochs == training("um", None).epochs
    assert training("um", 32.7, short_bags=False) == training("um", None)
    for method in ("facnet", "wtalc", "wsad"):
        rows = [own_videos.rows_plan(raw, section, method, 0, 16, length_t) for length_t in (32.7, None)]
        assert rows[0] == rows[1]
    other = merge(raw, {"methods": {"delu": {"preset": "activitynet"}}})  # of 60 of 181 snippets
    rows = [own_videos.rows_plan(other, section, "delu", 0, 16, length_t).rows["delu"] for length_t in (90.5, 181.0, 326.0)]
    assert [row.training.snippets.count for row in rows] == [30, 60, 60]
    widths = [own_videos.rows_plan(raw, section, "um", 0, 16, length_t).rows["um"] for length_t in (32.7, None)]
    assert widths[0].params == widths[1].params and widths[0].optimizer == widths[1].optimizer


def test_training_decodes_a_video_once_and_loads_its_features_once(raw, labels, films, tmp_path, monkeypatch):
    seen = Counter()

    def counted(kind, name, video):
        method = getattr(kind, name)

        def call(self, *given):
            seen[name, video(self, *given)] += 1
            return method(self, *given)

        monkeypatch.setattr(kind, name, call)

    counted(Footage, "frames", lambda footage, *_: footage.path.stem)
    counted(Parts, "load", lambda parts, video, file: video)
    own_videos.train(raw, labels, films, tmp_path / "run", method="wtalc", seed=0)
    assert seen == {(name, f"{label}{n}"): 1 for name in ("frames", "load") for label in COLOURS for n in (1, 2, 3)}


@pytest.mark.parametrize("command", ["train", "localize"])
def test_a_machine_at_its_limit_ends_the_work_and_blames_no_video(raw, run, labels, films, tmp_path, monkeypatch, command):
    """Were its videos left out one by one, as damaged ones are, a run on fewer videos would come out."""
    shutil.rmtree(paths.CACHE)

    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("wstal.border.videofile.av.open", refuse)
    with pytest.raises(MachineError, match=r"\.mp4 cannot be opened, [^\n]* `ulimit -n [^\n]*\.$"):
        if command == "train":
            own_videos.train(raw, labels, films, tmp_path / "other", method="wtalc", seed=0)
        else:
            own_videos.localize(raw, new(films), run, tmp_path / "found")
    assert not (tmp_path / "other").exists() and not (tmp_path / "found").exists()


@pytest.fixture
def damaged(films, tmp_path):
    """The films, one of them noise."""
    folder = tmp_path / "damaged"
    shutil.copytree(films, folder)
    (folder / "Red1.mp4").write_bytes(b"noise" * 100)
    return folder


def test_training_goes_on_without_damaged_videos(raw, damaged, labels, tmp_path):
    summary = own_videos.train(raw, labels, damaged, tmp_path / "run", method="wtalc", seed=0)
    assert list(summary.failures) == ["Red1"] and "Red1.mp4 cannot be decoded" in summary.failures["Red1"]
    assert cards.read(tmp_path / "run").settings.training.epochs == 120  # 100 steps of 6 of 5 videos


def test_a_class_whose_videos_all_fail_is_named(settings, damaged, labels, tmp_path, capsys):
    for number in (2, 3):
        shutil.copyfile(damaged / "Red1.mp4", damaged / f"Red{number}.mp4")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    arguments = ["--videos", str(damaged), "--out", str(tmp_path / "run"), "--params", str(tmp_path / "mine.yaml")]
    assert cli.main(["train", str(labels), *arguments, "--method", "wtalc"]) == 1
    captured = capsys.readouterr()
    assert "note: class 'Red' is left out: none of its training videos can be used.\n" in captured.err
    assert "'Blue'" not in captured.err and "is trained" in captured.out
    assert cards.read(tmp_path / "run").classes == ("Blue",)


def test_an_output_folder_describes_one_run_and_keeps_other_files(raw, run, films, tmp_path):
    out = tmp_path / "found"
    own_videos.localize(raw, new(films), run, out)
    for name in ("elan/mine.txt", "notes.txt", "elan/Red_new.eaf"):
        (out / name).write_text("mine")
    own_videos.localize(raw, new(films)[:1], run, out)
    assert {path.name for path in (out / "elan").iterdir()} == {"Red_new.txt", "mine.txt", "Red_new.eaf"}
    assert (out / "notes.txt").is_file()
    (out / "predictions.json").write_text("{")
    own_videos.localize(raw, new(films)[1:], run, out)
    assert {path.name for path in (out / "elan").glob("*.txt")} == {"Red_new.txt", "Blue_new.txt", "mine.txt"}


def test_localization_goes_on_without_damaged_videos(run, settings, damaged, tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    arguments = ["--run", str(run), "--out", str(tmp_path / "found"), "--params", str(tmp_path / "mine.yaml")]
    assert cli.main(["localize", str(damaged / "Red1.mp4"), str(damaged / "Blue_new.mp4"), *arguments]) == 1
    captured = capsys.readouterr()
    assert "Red1.mp4 cannot be decoded" in captured.err and "note: 1 of 2 videos were used." in captured.err
    assert "Blue_new: Blue" in captured.out and "Red1" not in (tmp_path / "found" / "detections.csv").read_text()


def test_a_video_without_pictures_is_left_out_and_named(raw, run, films, tmp_path, monkeypatch):
    def refuse(file, *rest):
        raise UserError(f"{file} cannot be decoded: no picture.")

    taken = film.stills
    monkeypatch.setattr(film, "stills", lambda file, *rest: (refuse if file.stem == "Blue_new" else taken)(file, *rest))
    located = own_videos.localize(raw, new(films), run, tmp_path / "found")
    assert list(located.summary.failures) == ["Blue_new"] and located.found.videos == located.shown.videos == ("Red_new",)
    assert len(located.shown) and set(located.shown.video) == {0} and "Blue_new" not in located.html
    with pytest.raises(UserError, match=r"none of 1 videos can be used, .*Blue_new"):
        own_videos.localize(raw, [films / "Blue_new.mp4"], run, tmp_path / "found")


def test_where_nothing_is_found_the_surest_class_is_drawn_faintly(raw, run, settings, films, tmp_path, capsys):
    card = cards.read(run)
    never = msgspec.structs.replace(card.settings.localize.classes, threshold=1e6, fallback="none")
    localize = msgspec.structs.replace(card.settings.localize, classes=never)
    settings_ = msgspec.structs.replace(card.settings, localize=localize)
    cards.write(msgspec.structs.replace(card, settings=settings_), run)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    arguments = ["--run", str(run), "--out", str(tmp_path / "found"), "--params", str(tmp_path / "mine.yaml")]
    assert cli.main(["localize", str(films / "Red_new.mp4"), *arguments]) == 0
    why = "nothing found: no class passed classes.threshold 1e+06 of the run; the surest, Red, has "
    page = (tmp_path / "found" / "timeline.html").read_text()
    assert f"Red_new: {why}" in capsys.readouterr().out and why in page
    assert '"Red":' in page and '"Blue":' not in page and 'class="card hue' not in page and 'class="chip hue' not in page
    assert page.count('class="lane faint"') == 2 and f'<p class="nothing">{why}' in page


def test_a_very_short_video_is_localized(raw, run, tmp_path):
    short = write(tmp_path / "short.mp4", [np.full((48, 64, 3), 110, np.uint8)])
    assert own_videos.localize(raw, [short], run, tmp_path / "found").summary.failures == {}


def test_the_commands_from_start_to_end(settings, labels, films, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    train = ["train", "labels.csv", "--videos", str(films), "--out", "runs/mine", "--params", "mine.yaml", "--method", "wtalc"]
    assert cli.main(train) == 0 and "wstal localize VIDEO... --run runs/mine" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["mine"]
    assert cli.main(["localize", *map(str, new(films)), "--run", "runs/mine"]) == 0
    captured = capsys.readouterr()
    assert "Red_new: Red" in captured.out and "open found/timeline.html" in captured.out and "Traceback" not in captured.err


def sentence(capsys, *arguments):
    """What the command says on stderr before it gives up."""
    assert cli.main([str(one) for one in arguments]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("wstal: ")]
    assert len(lines) == 1 and lines[0].endswith(".")
    return lines[0]


def test_faults_of_the_command_line_are_sentences(settings, films, labels, tmp_path, capsys):
    video, empty = films / "Red1.mp4", tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "other" / "Red1.mp4").parent.mkdir()
    shutil.copyfile(video, tmp_path / "other" / "Red1.mp4")
    assert "holds no run.yaml" in sentence(capsys, "localize", video, "--run", empty)
    assert "holds no run.yaml" in sentence(capsys, "localize", video, "--run", tmp_path / "none")
    (empty / "run.yaml").write_text("{")
    assert "run.yaml is damaged" in sentence(capsys, "localize", video, "--run", empty)
    train = ("train", labels, "--videos", films, "--out")
    assert "exists and is no run folder" in sentence(capsys, *train, tmp_path / "other")
    assert "no 'magic'" in sentence(capsys, *train, tmp_path / "x", "--method", "magic")
    none = sentence(capsys, "train", tmp_path / "none.csv", "--videos", films, "--out", tmp_path / "x")
    assert "none.csv is missing; write" in none and "params.yaml" not in none
    assert "is a folder; name" in sentence(capsys, "train", tmp_path, "--videos", films, "--out", tmp_path / "x")
    none = sentence(capsys, "train", labels, "--videos", tmp_path / "none", "--out", tmp_path / "x")
    assert "none is no folder; name" in none and "params.yaml" not in none
    (mine := tmp_path / "mine.yaml").write_text("own: {stpes: 3}")
    none = sentence(capsys, *train, tmp_path / "x", "--params", tmp_path / "none.yaml")
    assert "none.yaml is missing; name" in none and "git" not in none
    assert f"wstal: {mine}, laid over params.yaml, " in sentence(capsys, *train, tmp_path / "x", "--params", mine)
    with labels.open("a") as lines:
        lines.write("Green1.mp4,Green\n")
    assert "line 8: " in (said := sentence(capsys, *train, tmp_path / "x")) and "has no video 'Green1.mp4'" in said
    assert not (tmp_path / "x").exists()


TABLES = {
    "blank": ("Red1.mp4,Red\nBlue1.mp4,\n", "line 3: training video 'Blue1' has no label; write one, write - if it shows none"),
    "all test": ("Red1.mp4,Red,test\nBlue1.mp4,Blue,test\n", "has no video to train on; write train in the column `subset`"),
    "empty subsets": ("Red1.mp4,Red,\nBlue1.mp4,Blue,train\n", "line 2: the subset is ''; write train or test"),
    "slip": (
        "Red1.mp4,Red\nBleu1.mp4,Blue\n",
        "has no video 'Bleu1.mp4'; put it there, or remove the line (the nearest name is 'Blue1",
    ),
    "all at once": (
        "Red1.mp4,Red\nBlue1.mp4,\nRed9.mp4,Red\n,Blue\nRed2.mp4\n",
        "line 4: ",
        "line 5 names no video",
        "line 6 has 1 cells",
        "line 3: training video 'Blue1' has no label",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_used_is_said_before_any_work(raw, films, tmp_path, monkeypatch, name):
    """In one sentence, whose cure needs no option that the command lacks."""
    monkeypatch.setattr(own_videos, "through", lambda *_: pytest.fail("work was done"))
    text, *said = TABLES[name]
    columns = "video,label,subset" if text.splitlines()[0].count(",") == 2 else "video,label"
    (tmp_path / "t.csv").write_text(f"{columns}\n{text}")
    with pytest.raises(UserError) as caught:
        own_videos.train(raw, tmp_path / "t.csv", films, tmp_path / "run", method="wtalc", seed=0)
    assert all(words in str(caught.value) for words in said) and "`exclude`" not in str(caught.value)


def test_what_is_odd_about_a_table_is_noted_and_used(settings, films, tmp_path, capsys):
    """Other case, a path, a line twice, look-alike labels: the run is trained, and notes say what was read."""
    rows = ["red1.MP4,Red", "Red2,Red", "Red2,Red", f"{films}/Red3.mp4,red", "films/Blue1.mp4,Blue", "Blue2.mp4,Blue\u200b"]
    (tmp_path / "t.csv").write_text("\n".join(["video,label", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    options = ("--videos", films, "--out", tmp_path / "run", "--params", tmp_path / "mine.yaml", "--method", "wtalc")
    assert cli.main(["train", str(tmp_path / "t.csv"), *map(str, options)]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert [note.split(":")[1].strip() for note in notes] == ["tidied label", "repeated line", "look-alike classes"]
    assert "line 4" in notes[1] and "'Red' (2 videos) and 'red' (1 video)" in notes[2]
    assert cards.read(tmp_path / "run").classes == ("Blue", "Red", "red")


def test_detections_end_with_the_video_whatever_the_run_says(raw, run, films, tmp_path):
    text = (run / "run.yaml").read_text()
    assert "clip: false" in text and "extend_end: 0" in text
    (run / "run.yaml").write_text(text.replace("extend_end: 0", "extend_end: 400"))
    own_videos.localize(raw, new(films), run, tmp_path / "found")
    assert detections.read_json(tmp_path / "found" / "predictions.json").end_s.max() == FRAMES / 25


def test_two_copies_of_a_video_in_training_and_test_are_refused(raw, films, tmp_path):
    shutil.copytree(films, copies := tmp_path / "copies")
    shutil.copyfile(films / "Red1.mp4", copies / "other.mp4")
    (tmp_path / "t.csv").write_text("video,label,subset\nRed1,Red,train\nBlue1,Blue,train\nother,Red,test\n")
    with pytest.raises(
        UserError, match=r"training video 'Red1' and test video 'other' have the same 'rgb' features; .* leave out"
    ):
        own_videos.train(raw, tmp_path / "t.csv", copies, tmp_path / "run", method="wtalc", seed=0)


@pytest.mark.parametrize("command", ["train", "localize"])
@pytest.mark.parametrize(("out", "words"), [("labels.csv/a/r", "labels.csv is a file"), ("/proc/zz/r", "cannot be written")])
def test_where_nothing_can_be_written_is_said_before_any_work(raw, run, labels, films, monkeypatch, command, out, words):
    monkeypatch.setattr(own_videos, "through", lambda *_: pytest.fail("work was done"))
    with pytest.raises(UserError, match=words):
        if command == "train":
            own_videos.train(raw, labels, films, labels.parent / out, method="wtalc", seed=0)
        else:
            own_videos.localize(raw, new(films), run, labels.parent / out)


def test_faults_of_localization_are_sentences(raw, run, films, tmp_path):
    video = films / "Red1.mp4"
    other = tmp_path / "other" / "Red1.mp4"
    other.parent.mkdir()
    shutil.copyfile(video, other)
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(b"noise" * 100)
    faults = {
        "is missing; name an existing": [films / "none.mp4"],
        "is a folder; name its videos": [films],
        "have one name; rename one": [video, other],
        "none of 1 videos can be used, for instance: .*noise.mp4 cannot be decoded": [noise],
    }
    for words, files in faults.items():
        with pytest.raises(UserError, match=words):
            own_videos.localize(raw, files, run, tmp_path / "found")
    (run / "joint.safetensors").write_bytes(b"noise")
    with pytest.raises(UserError, match=r"joint\.safetensors is missing or damaged"):
        own_videos.localize(raw, [video], run, tmp_path / "found")
    card = msgspec.structs.replace(cards.read(run), extraction=None, backbone="simulated")
    cards.write(card, run)
    with pytest.raises(UserError, match=r"was trained on features \(simulated\), not on videos"):
        own_videos.localize(raw, [video], run, tmp_path / "found")
    assert not (tmp_path / "found").exists()


@pytest.fixture
def clips(raw, tmp_path, settings):
    """Parameters with a small copy of the films that the package draws."""
    films = {"root": str(tmp_path / "films"), "train_videos": 2, "test_videos": 1, "size": [64, 48], "shots": [1, 1]}
    films |= {"action_s": [0.8, 1.2], "rest_s": [0.4, 0.6], "classes": ["Bounce", "Swing"]}
    changes = {"source": films, "extraction": settings[NAME]["features"]["extraction"]}
    return parameters.load(merge(raw, {"datasets": {"clips": {"features": changes}}}))


def test_a_dataset_of_videos_goes_through_its_backbone(clips, tmp_path):
    """What the stages annotations and features do with films."""
    tree = Tree(tmp_path / "tree")
    prepare.annotate(plan.of_dataset(clips, "clips"), tree)
    manifest = prepare.extract(plan.of_dataset(clips, "clips"), tree)
    assert manifest.streams["rgb"].dim == 6 and len(manifest.videos) == 3
    assert manifest.backbone.startswith("rgb: colours, weights ") and "36 to 32 pixels, float32" in manifest.backbone
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "films").iterdir()}
    assert prepare.extract(plan.of_dataset(clips, "clips"), tree) == manifest
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "films").iterdir()} == before


def test_the_notebook_shows_which_files_are_damaged(clips, tmp_path, monkeypatch, capsys):
    tree = Tree(tmp_path / "tree")
    prepare.annotate(plan.of_dataset(clips, "clips"), tree)
    monkeypatch.setattr(opening, "dataset", lambda *_: (plan.of_dataset(clips, "clips"), tree))
    cells = nbformat.read(paths.ROOT / "notebooks" / "02_extract_features.ipynb", 4).cells
    (code,) = (cell.source for cell in cells if "prepare.extract" in cell.source)
    exec(code, {"smoke": True, "dataset": "clips"})
    assert len(capsys.readouterr().out.splitlines()) == 1
    film = min((tmp_path / "films").glob("*.mp4"))
    data = bytearray(film.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 300] = bytes(range(150)) * 2
    film.write_bytes(data)
    monkeypatch.setattr("wstal.datasets.readers.clips.films.render", lambda *_: None)  # which would draw a damaged film again
    exec(code, {"smoke": True, "dataset": "clips"})
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 2 and shown[1].startswith(f"damaged file: {film.stem}: ")


def test_shares_that_were_made_ahead_are_all_that_the_stage_needs(clips, tmp_path, monkeypatch):
    section = clips.dataset("clips").features
    shares = [prepare.extract_ahead(section, "datasets.clips", (i, 2), None) for i in (1, 2)]
    assert [(share.computed, share.reused) for share in shares] == [(2, 0), (1, 0)]
    monkeypatch.setattr(recipes, "network", lambda *_: pytest.fail("a network was loaded in vain"))
    assert len(prepare.extract(plan.of_dataset(clips, "clips"), Tree(tmp_path / "tree")).videos) == 3


def test_extract_says_what_it_did(clips, monkeypatch, capsys):
    monkeypatch.setattr(parameters, "load", lambda: clips)
    assert cli.main(["extract", "clips", "--shard", "2/2"]) == 0
    assert capsys.readouterr().out == "clips: 1 arrays new, 0 there before, one a video and stream\n"
    assert cli.main(["extract", "clips"]) == 0
    assert capsys.readouterr().out == "clips: 2 arrays new, 1 there before, one a video and stream\n"
    assert cli.main(["extract", "thumos14-sim"]) == 1
    assert "datasets.thumos14-sim is none of videos; give it a section `extraction`" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--shard", "3/2"], ["--shard", "0/2"], ["--shard", "2"], ["--ray", "0"], ["--ray", "x"]])
def test_shares_that_are_none(options, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["extract", "clips", *options])
    assert "write" in capsys.readouterr().err


def test_run_json_holds_no_path_of_the_dataset_and_no_times(run):
    content = yaml.safe_load((run / "run.yaml").read_text())
    told = {"entry", "row", "seed", "settings", "classes", "dims", "grid", "backbone", "extraction"}
    assert set(content) == told
    assert content["classes"] == ["Blue", "Red"] and content["dims"] == {"rgb": 6}
