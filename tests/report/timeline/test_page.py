"""The page: well-formed, self-contained, everything where its time is, and names that cannot break out of it."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from wstal.base import colours
from wstal.report.timeline import Film, frame, page
from wstal.report.timeline.drawing import BAR, LANE, LEFT, RIGHT, TICKS, WIDTH, CurveScale, clock, scale, short, ticks, x_of

JPEG = b"\xff\xd8 a picture"
NASTY = '</script><script>alert("x")</script> & <b>'


def film(video="a", name="Wave", spans=((2.0, 6.0, 0.9), (7.0, 9.5, 0.3)), file=None):
    times = np.arange(10) + 0.5
    curves = {name: np.sin(times)} if spans else {}
    spans = [(name, *span) for span in spans]
    return Film(video, 10.0, times, np.linspace(0, 1, 10), curves, spans, [JPEG] * 3, [JPEG] * len(spans), file=file)


class Page(HTMLParser):
    """Elements with their attributes, and the text of each."""

    VOID = {"meta", "input", "img", "rect", "line", "polyline", "polygon", "image", "br", "link"}

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.texts = [], [], {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def all(self, tag, kind=""):
        return [
            attributes
            for name, attributes in self.found
            if name == tag and (not kind or kind in attributes.get("class", "").split())
        ]


def test_everything_is_there():
    text = page([film("a"), film("b", spans=())], "runs/mine")
    read = Page(text)
    assert read.texts["h2"] == ["a", "b"] and "2 detections in 2 videos, by runs/mine" in read.texts["p"]
    assert [card["data-span"] for card in read.all("button", "card")] == ["0", "1"]
    assert {"0:02 – 0:06", "0:07 – 0:09.5"} <= set(read.texts["span"]) and {"0.90", "0.30"} <= set(read.texts["i"])
    assert len(read.all("rect", "bar")) == 2 and len(read.all("polyline", "curve")) == 3
    assert "0:10 · nothing found" in read.texts["p"]


def test_a_video_where_nothing_is_found_looks_like_nothing():
    """Its curves are faint, without colour and area, its class is no chip and no word to find it by, and a box says why."""
    times = np.arange(10) + 0.5
    bare = Film("b", 10.0, times, times, {NASTY: times}, [], [JPEG], [], why="no class passed <b>")
    read = Page(page([film("a"), bare], "run"))
    assert "0:10 · nothing found" in read.texts["p"] and "nothing found: no class passed <b>" in read.texts["p"]
    assert [lane["class"].split() for lane in read.all("g", "lane")] == [["lane"], ["lane", "hue0"], *[["lane", "faint"]] * 2]
    assert len(read.all("polyline", "curve")) == 4 and [chip["data-word"] for chip in read.all("button", "chip")] == ["wave"]
    assert [section["data-words"] for section in read.all("section")] == ["a wave", "b"]
    assert len(read.all("p", "nothing")) == 1 and len(read.all("div", "cards")) == 1


def test_a_class_has_its_colour_whatever_else_is_found():
    classes = ("Jump", "Run", "Wave")
    for films in ([film("a")], [film("a"), film("b", "Run")], [film("b", "Jump"), film("a")]):
        read = Page(page(films, "run", classes))
        chips = {chip["data-word"]: chip["class"].split()[1] for chip in read.all("button", "chip")}
        assert chips == {word: kind for word, kind in {"jump": "hue0", "run": "hue1", "wave": "hue2"}.items() if word in chips}
        assert len(chips) == len({one.spans[0][0] for one in films})
    assert colours.hues(classes, ["Zoom"]) == {"Jump": 0, "Run": 1, "Wave": 2, "Zoom": 3} and colours.rgb(0) == (209, 73, 91)
    assert colours.style().count("--hue") == len(colours.HEX) and colours.hues([str(k) for k in range(11)])["10"] == 0


def test_a_player_looks_beside_the_page_and_where_the_file_lies(tmp_path):
    (tmp_path / "new films").mkdir()
    file = tmp_path / "new films" / 'a #1 "x".mp4'
    read = Page(page([film(file=file), film("b")], "run", folder=tmp_path / "found"))
    (player,) = read.all("div", "player")
    assert json.loads(player["data-places"]) == ["a%20%231%20%22x%22.mp4", "../new%20films/a%20%231%20%22x%22.mp4"]
    assert f"put {file.name} beside this page" in "".join(read.texts["p"]) and "hidden" in read.all("video")[0]
    assert Page(page([film(file=file)], "run")).all("div", "player") == []  # in a notebook, a page lies in no folder


def test_intervals_and_curves_are_where_their_time_is():
    read = Page(page([film()], "run"))
    bar = read.all("rect", "bar")[0]
    wide = WIDTH - LEFT - RIGHT
    assert [float(bar["x"]), float(bar["width"])] == pytest.approx([LEFT + 0.2 * wide, 0.4 * wide], abs=0.1)
    points = [tuple(map(float, point.split(","))) for point in read.all("polyline", "curve")[0]["points"].split()]
    assert [points[0][0], points[-1][0]] == pytest.approx([LEFT + 0.05 * wide, LEFT + 0.95 * wide], abs=0.1)
    heights = [y for _, y in points]
    assert heights == sorted(heights, reverse=True) and heights[0] > heights[-1]  # a higher score is higher up
    assert x_of(film(), -1) == LEFT and x_of(film(), 99) == WIDTH - RIGHT


def test_it_opens_offline():
    text = page([film()], "run")
    assert not re.search(r"https?://|//[a-z]|@import|url\(", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text))
    links = [value for _, attributes in Page(text).found for key, value in attributes.items() if key in ("src", "href")]
    assert links and set(links) == {"data:image/jpeg;base64," + base64.b64encode(JPEG).decode()}


def test_names_cannot_break_out():
    read = Page(page([film(NASTY, NASTY)], NASTY))
    assert len(read.all("script")) == 2 and read.texts["h2"] == [NASTY] and NASTY in read.texts["b"]
    tracks = json.loads(next(text for text in read.texts["script"] if text.startswith("{")))
    assert list(tracks["lanes"]) == ["foreground", NASTY] and tracks["times"][0] == 0.5 and tracks["duration"] == 10


def test_a_page_in_a_page_is_the_page():
    (inner,) = Page(frame(page([film()], "run"), 300)).all("iframe")
    assert inner["srcdoc"] == page([film()], "run") and "height:300px" in inner["style"]


@pytest.mark.parametrize(
    ("time_s", "text"), [(0, "0:00"), (3.46, "0:03.5"), (59.97, "1:00"), (75, "1:15"), (3723.5, "1:02:03.5"), (3600, "1:00:00")]
)
def test_clock(time_s, text):
    assert clock(time_s) == text


@pytest.mark.parametrize(
    ("duration_s", "last", "step"),
    [
        (0.04, "0:00.0", None), (0.6, "0:00.6", 0.1), (0.9, "0:00.9", 0.1), (2.0, "0:02.0", 0.2), (4.44, "0:04.0", 0.5),
        (8.76, "0:08", 1), (13.0, "0:12", 2), (61.0, "1:00", 10), (3600.0, "1:00:00", 300), (90000.0, "24:00:00", 14400),
        (400000.0, "110:00:00", 36000),
    ],
)  # fmt: skip
def test_ticks_are_round_evenly_written_and_neither_few_nor_many(duration_s, last, step):
    times_s, texts = zip(*ticks(duration_s), strict=True)
    assert texts[-1] == last and len(set(texts)) == len(texts) <= TICKS + 1
    assert len({"." in text for text in texts}) == 1 and times_s[-1] <= duration_s + 1e-6
    if step:
        assert np.diff(times_s) == pytest.approx(step) and len(texts) >= 5


def test_small_things():
    assert scale([np.array([2.0, 3.0]), np.array([4.0])]) == CurveScale(2, 4)
    assert scale([]) == scale([np.zeros(0)]) == CurveScale(0, 1)
    assert CurveScale(2, 4)(np.array([2.0, 4.0, 3.0])).tolist() == [0, 1, 0.5]
    assert CurveScale(1, 1)(np.ones(3)).tolist() == [0, 0, 0]
    assert short("x" * 16) == "x" * 16 and short("x" * 17) == "x" * 15 + "…"


# Two classes in one film: each lane shows its own curve and intervals, each card its own span.

CURVES = {"Jump": np.array([0.0, 2.0, 1.0, 0.0]), "Wave": np.array([5.0, 5.0, 9.0, 6.0])}
SPANS = [("Jump", 0.0, 4.0, 0.5), ("Wave", 4.0, 7.0, 2.0), ("Wave", 6.0, 8.0, 0.8)]


@pytest.fixture
def two():
    times_s = np.array([1.0, 3.0, 5.0, 7.0])
    return Film("v", 8.0, times_s, np.array([0.0, 0.25, 1.0, 0.5]), CURVES, SPANS, [JPEG], [JPEG] * 3)


def test_each_lane_shows_its_own_curve_on_the_scale_of_all_classes(two):
    read = Page(page([two], "run"))
    curves, grounds, wide = read.all("polyline", "curve"), read.all("rect", "ground"), WIDTH - LEFT - RIGHT
    assert [text for text in read.texts["text"] if text in ("foreground", *CURVES)] == ["foreground", "Jump", "Wave"]
    heights = []
    for curve, ground in zip(curves, grounds, strict=True):
        points = np.array([point.split(",") for point in curve["points"].split()], dtype=float)
        base = float(ground["y"]) + LANE - BAR - 3
        np.testing.assert_allclose(points[:, 0], LEFT + wide * np.array([1, 3, 5, 7]) / 8, atol=0.06)
        heights.append((base - points[:, 1]) / (LANE - BAR - 8))
    np.testing.assert_allclose(heights, [[0, 0.25, 1, 0.5], [0, 2 / 9, 1 / 9, 0], [5 / 9, 5 / 9, 1, 6 / 9]], atol=0.01)
    numbers = [text for text in read.texts["text"] if re.fullmatch(r"[\d.]+", text)]
    assert numbers == ["1", "0", "9", "0", "9", "0"]  # top and foot of each lane


def test_the_scale_is_that_of_all_videos(two):
    times_s = np.array([1.0, 3.0])
    louder = Film("w", 4.0, times_s, times_s, {"Jump": np.array([18.0, -18.0])}, [("Jump", 0.0, 2.0, 1.0)], [JPEG], [JPEG])
    numbers = [text for text in Page(page([two, louder], "run")).texts["text"] if re.fullmatch(r"-?[\d.]+", text)]
    assert numbers == ["3", "0", "18", "-18", "18", "-18", "3", "0", "18", "-18"]


def test_bars_stand_in_the_lane_of_their_class_fainter_for_a_lower_score(two):
    read = Page(page([two], "run"))
    bars, grounds = read.all("rect", "bar"), [float(ground["y"]) for ground in read.all("rect", "ground")]
    tops = [float(bar["y"]) - LANE + BAR for bar in bars]
    assert tops == [grounds[1], grounds[2], grounds[2]]
    assert [bar["opacity"] for bar in bars] == ["0.51", "1.00", "0.61"]  # 0.35 + 0.65 of the share of the best score
    assert [group["data-span"] for group in read.all("g", "span")] == ["0", "1", "2"]
    assert read.texts["title"][1:] == [
        "Jump 0:00 to 0:04, score 0.50", "Wave 0:04 to 0:07, score 2.00", "Wave 0:06 to 0:08, score 0.80"
    ]  # fmt: skip


def test_cards_name_their_span_its_middle_and_its_share_of_the_best(two):
    text = page([two], "run")
    read = Page(text)
    cards = read.all("button", "card")
    assert [(card["data-span"], card["data-time"]) for card in cards] == [("0", "2.000"), ("1", "5.500"), ("2", "7.000")]
    assert [card["class"] for card in cards] == ["card hue0", "card hue1", "card hue1"]
    assert re.findall(r'<div style="width:(\d+)%">', text) == ["25", "100", "40"]
    assert read.texts["b"] == ["Jump", "Wave", "Wave"] and {"0.50", "2.00", "0.80"} <= set(read.texts["i"])


def test_chips_count_the_intervals_of_their_class(two):
    read = Page(page([two, film("a", "Wave")], "run"))
    assert [chip["data-word"] for chip in read.all("button", "chip")] == ["jump", "wave"]
    counts = [text for text in read.texts["i"] if "." not in text]
    assert counts == ["1", "4"] and "5 detections in 2 videos, by run" in read.texts["p"]


def test_the_cursor_reads_the_scores_of_its_lane(two):
    tracks = json.loads(next(text for text in Page(page([two], "run")).texts["script"] if text.startswith("{")))
    assert tracks["times"] == [1, 3, 5, 7] and tracks["duration"] == 8
    assert tracks["lanes"] == {"foreground": [0, 0.25, 1, 0.5], "Jump": [0, 2, 1, 0], "Wave": [5, 5, 9, 6]}
