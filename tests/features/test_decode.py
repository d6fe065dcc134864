"""Decoding: sampling by timestamps, rotation, sizes, damage; known answers on videos rendered here, and FFmpeg's own filter."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features.films import grey, index, write, write_sound
from wstal.base.errors import UserError
from wstal.features.pixels.decode import Clock, DecodeError, Footage, constant_rate, duration_s


def indices(path, fps=25.0, short_side=48, warnings=()):
    """Which frames `path` shows at the constant rate; the warnings must be the given ones."""
    footage = Footage(path)
    found = [index(frame) for frame in footage.frames(fps, short_side)]
    assert len(footage.warnings) == len(warnings) and all(a in b for a, b in zip(warnings, footage.warnings, strict=True))
    return found


def filtered(path, fps):
    """The same as FFmpeg's filter `fps` has it."""
    graph, found = av.filter.Graph(), []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        graph.link_nodes(graph.add_buffer(template=stream), graph.add("fps", str(fps)), graph.add("buffersink")).configure()
        for frame in [*container.decode(stream), None]:
            graph.push(frame)
            while True:
                try:
                    found.append(index(graph.pull().to_ndarray(format="rgb24")))
                except (BlockingIOError, EOFError):
                    break
    return found


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mov"])
def test_constant_rate_is_kept_frame_by_frame(tmp_path, name):
    assert indices(write(tmp_path / name, grey(30))) == list(range(30))


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (50, [0, 2, 4, 6, 8]),  # a frame out of two; at a tie the earlier one
        (10, [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6, 7, 7, 8, 8, 8, 9, 9]),
        (5, [i for i in range(10) for _ in range(5)]),
    ],
)
def test_other_rates(tmp_path, rate, expected):
    assert indices(write(tmp_path / "a.mp4", grey(10), rate)) == expected


def test_variable_rate(tmp_path):
    path = write(tmp_path / "a.mkv", grey(5), times=[0, 30, 100, 500, 520])
    # middles .02 | .06 .10 (a tie) | .14 ... .50 (a tie) | .54; frame 3 is never seen
    assert indices(path)[:14] == [0, 1, 1, *[2] * 10, 4]


@given(
    gaps=st.lists(st.integers(1, 300), min_size=1, max_size=40),
    fps=st.sampled_from([25.0, 10.0, 29.97, 30.0, 4.0]),
    first=st.integers(0, 200),
)
def test_sampling_against_its_definition(gaps, fps, first):
    starts = [Fraction(t, 1000) for t in np.cumsum([first, *gaps]).tolist()]
    timed = [(a, b, i) for i, (a, b) in enumerate(pairwise(starts))]
    shown, k = [], 0
    while (middle := (k + Fraction(1, 2)) / Fraction(fps)) <= starts[-1]:
        shown.append(max([i for a, _, i in timed if a < middle], default=0))
        k += 1
    assert list(constant_rate(iter(timed), fps)) == shown


@pytest.mark.parametrize("fps", [25, 10, 30])
def test_sampling_equals_ffmpegs_filter(tmp_path, fps):
    rng = np.random.default_rng(fps)
    times = [0, *np.cumsum(rng.choice([7, 20, 33, 40, 41, 125, 400], size=39)).tolist()]
    path = write(tmp_path / "a.mkv", grey(40), times=times)
    assert indices(path, fps) == filtered(path, fps)


def test_empty_sequence_has_no_frames():
    assert list(constant_rate(iter([]), 25.0)) == []


def test_second_zero_is_the_containers_start(tmp_path):
    """A video that starts 0.4 s after its sound: the first frame stands in, and times stay those of a player."""
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        video, sound = container.add_stream("libx264", rate=25), container.add_stream("aac", rate=16000, layout="mono")
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, 0
        container.mux([*sound.encode(frame), *sound.encode()])
        for i, picture in enumerate(grey(10)):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts = i + 10
            container.mux(video.encode(frame))
        container.mux(video.encode())
    assert indices(path)[:20] == [0] * 10 + list(range(10))


def test_a_clock_that_starts_late_is_taken_back(tmp_path):
    path = write(tmp_path / "a.mkv", grey(10), times=[5000 + 40 * i for i in range(10)])
    assert indices(path) == list(range(10))


def test_the_last_frame_is_shown_for_as_long_as_it_says(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for i, picture in enumerate(grey(3)):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture)):
                packet.duration = 7 if i == 2 else 1
                container.mux(packet)
    assert indices(path) == [0, 1, *[2] * 7]


PICTURE = np.zeros((48, 64, 3), np.uint8)
PICTURE[:24, :32] = 255, 0, 0  # red above left, green above right, blue below left
PICTURE[:24, 32:] = 0, 255, 0
PICTURE[24:, :32] = 0, 0, 255


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_rotation_and_mirror(tmp_path, degrees, mirrored):
    turn = lambda stream: stream.set_display_rotation(degrees, hflip=mirrored)  # noqa: E731
    path = write(tmp_path / "a.mp4", [PICTURE] * 2, setup=turn)
    frame = next(Footage(path).frames(25.0, 48))
    expected = np.rot90(PICTURE, degrees // 90)
    expected = expected[:, ::-1] if mirrored else expected
    assert frame.shape == expected.shape and np.abs(frame.astype(int) - expected).mean() < 4


@pytest.mark.parametrize(
    ("stored", "short_side", "shape"),
    [
        ((49, 65), 49, (49, 65)),
        ((49, 65), 32, (32, 42)),
        ((101, 35), 16, (46, 16)),
        ((48, 64), 97, (97, 129)),  # 129.33
        ((3, 5), 12, (12, 20)),
    ],
)
def test_odd_sizes(tmp_path, stored, short_side, shape):
    path = write(tmp_path / "a.mkv", grey(3, stored[1], stored[0]), codec="ffv1", options={})
    frames = list(Footage(path).frames(25.0, short_side))
    assert [frame.shape for frame in frames] == [(*shape, 3)] * 3 and [index(frame) for frame in frames] == [0, 1, 2]


def test_pixels_that_are_not_square(tmp_path):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)

    path = write(tmp_path / "a.mp4", grey(2), setup=wide)
    assert next(Footage(path).frames(25.0, 24)).shape == (24, 64, 3)


def test_reduction_does_not_alias(tmp_path):
    """Stripes of one pixel become their mean; sampling pixels would leave stripes or one colour."""
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    path = write(tmp_path / "a.mp4", [stripes] * 2)
    small = next(Footage(path).frames(25.0, 48)).astype(int)
    assert abs(small.mean() - 127.5) < 2 and small[4:-4, 4:-4].std() < 4


@pytest.mark.parametrize("space", ["smpte170m", "bt709"])
@pytest.mark.parametrize("span", ["tv", "pc"])
def test_colours_follow_the_files_matrix_and_range(tmp_path, space, span):
    path = tmp_path / "a.mkv"
    graph = av.filter.Graph()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.codec_context.colorspace = {"smpte170m": 6, "bt709": 1}[space]
        stream.codec_context.color_range = {"tv": 1, "pc": 2}[span]
        graph.link_nodes(
            graph.add_buffer(width=64, height=48, format="rgb24", time_base=Fraction(1, 25)),
            graph.add("scale", f"out_color_matrix={space}:out_range={span}:flags=accurate_rnd+full_chroma_int"),
            graph.add("format", "yuv444p"),
            graph.add("buffersink"),
        ).configure()
        frame = av.VideoFrame.from_ndarray(PICTURE)
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        graph.push(frame)
        container.mux([*stream.encode(graph.pull()), *stream.encode()])
    assert np.abs(next(Footage(path).frames(25.0, 48)).astype(int) - PICTURE).max() <= 3


def moving(count):
    """Noise that moves, so that packets are not empty."""
    noise = np.random.default_rng(0).integers(0, 255, (96, 256, 3), dtype=np.uint8)
    return [np.ascontiguousarray(noise[:, 2 * i : 2 * i + 128]) for i in range(count)]


def film(path, muxer=None):
    options = {"crf": "20", "preset": "ultrafast", "g": "10", "bf": "0"}
    return write(path, moving(50), options=options, pixels="yuv420p", muxer=muxer)


def test_a_truncated_file_yields_its_beginning_and_a_warning(tmp_path):
    path = film(tmp_path / "a.mp4", {"movflags": "faststart"})
    whole = list(Footage(path).frames(25.0, 96))
    path.write_bytes(path.read_bytes()[: int(0.4 * path.stat().st_size)])
    footage = Footage(path)
    part = list(footage.frames(25.0, 96))
    assert len(whole) == 50 and 15 <= len(part) <= 25
    assert all(np.array_equal(a, b) for a, b in zip(part[:15], whole, strict=False))
    assert any("pictures end at" in warning and "of 2.00 s" in warning for warning in footage.warnings)
    assert duration_s(path) == 2.0


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg"])
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_truncated_avi_is_held_against_the_length_in_its_header(tmp_path, codec, share):
    """FFmpeg scales the length of a cut AVI to what is left."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write(tmp_path / "a.avi", moving(50) * 3, codec=codec, pixels=pixels, options={})
    assert duration_s(path) == 6.0 and len(list(Footage(path).frames(25.0, 96))) == 150
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    footage = Footage(path)
    assert 30 <= len(list(footage.frames(25.0, 96))) <= 125
    assert any("pictures end at" in warning and "of 6.00 s" in warning for warning in footage.warnings)
    assert duration_s(path) == 6.0


def test_a_variable_rate_in_an_avi_is_no_fault(tmp_path):
    """Its header counts milliseconds, most of them without a frame of their own."""
    path = write(tmp_path / "a.avi", grey(4), times=[0, 40, 1000, 3000], codec="mpeg4", pixels="yuv420p", options={})
    assert indices(path, fps=1.0) == [1, 2, 2] and duration_s(path) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("name", ["a.ts", "a.mp4", "a.mkv", "a.avi"])
def test_damage_inside_costs_some_frames_only_and_is_a_warning(tmp_path, name):
    path = film(tmp_path / name)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = np.random.default_rng(1).bytes(4000)
    path.write_bytes(data)
    footage = [Footage(path) for _ in range(2)]
    runs = [list(one.frames(25.0, 96)) for one in footage]
    assert abs(len(runs[0]) - 50) <= 1 and np.array_equal(*runs)
    assert footage[0].warnings == footage[1].warnings
    assert any("pictures are damaged" in warning for warning in footage[0].warnings)


BROKEN = {
    "garbage": (lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)), "cannot be decoded: invalid data"),
    "text": (lambda path: path.write_text("no video\n" * 100), "cannot be decoded: "),
    "empty": (lambda path: path.write_bytes(b""), "cannot be decoded: "),
    "folder": (lambda path: path.mkdir(), "cannot be decoded: "),
    "missing": (lambda path: None, "is missing; put the video there"),
    "sound": (write_sound, "cannot be decoded: it has no video stream"),
    "no index": (lambda path: path.write_bytes(film(path).read_bytes()[:2000]), "cannot be decoded: "),
}


@pytest.mark.parametrize(("make", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_file_without_a_picture_is_one_sentence(tmp_path, make, sentence):
    path = tmp_path / "a.mp4"
    make(path)
    for read in (lambda: list(Footage(path).frames(25.0, 48)), lambda: duration_s(path)):
        with pytest.raises(UserError, match=rf"^[^\n]*a\.mp4 {sentence}[^\n]*\.$"):
            read()


def test_a_film_whose_packets_are_all_noise_holds_no_picture(tmp_path):
    path = film(tmp_path / "a.mp4", {"movflags": "faststart"})
    data = path.read_bytes()
    start = data.index(b"mdat") + 4
    path.write_bytes(data[:start] + bytes(len(data) - start))
    with pytest.raises(DecodeError, match="holds no picture that decodes"):
        list(Footage(path).frames(25.0, 48))


def test_pictures_of_an_absurd_shape_are_damage(tmp_path):
    path = write(tmp_path / "a.mkv", grey(2, 600, 4), codec="ffv1", options={})
    with pytest.raises(DecodeError, match=r"its pictures, 600 x 4 pixels in yuv444p, cannot be resized"):
        list(Footage(path).frames(25.0, 48))


def test_duration(tmp_path):
    assert duration_s(write(tmp_path / "a.mp4", grey(30))) == 1.2
    live = write(tmp_path / "live.mkv", grey(30), muxer={"live": "1"})
    with av.open(str(live)) as container:
        assert container.duration is None
    assert duration_s(live) == pytest.approx(1.2, abs=0.01)
    assert indices(live) == list(range(30))


def place(times, limit_s=None):
    """Starts of frames of 1 s each, None for those never seen; how many were mended."""
    clock = Clock(None if limit_s is None else Fraction(limit_s))
    starts = [clock.start_s if clock.place(None if t is None else Fraction(t), Fraction(1)) else None for t in times]
    return [None if start is None else float(start) for start in starts], clock.mended


def test_clock():
    assert place([0, 1, 2]) == ([0, 1, 2], 0)
    assert place([0.5, 2, 7]) == ([0.5, 2, 7], 0)
    assert place([0, 1, 1, 0.5, 2]) == ([0, 1, None, None, 2], 0)  # too late to be seen
    assert place([0, None, None, 3]) == ([0, 1, 2, 3], 2)
    assert place([5, 6, 0, 1, 2]) == ([5, 6, 7, 8, 9], 1)  # starts again: two films in one file
    assert place([0, 1, 900, 901], limit_s=10) == ([0, 1, 2, 3], 1)  # jumps beyond the end of the file
    assert place([900, 901], limit_s=10) == ([0, 1], 1)


def test_memory_does_not_grow_with_length(tmp_path):
    """The process's memory after 300 and after 1500 frames; were they kept, it would grow by 138 MB and more."""
    still = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    path = write(tmp_path / "a.mp4", [still] * 1500, options={"preset": "ultrafast", "crf": "30"}, pixels="yuv420p")
    sizes = []
    for number, _ in enumerate(Footage(path).frames(25.0, 240)):
        if number in (300, 1499):
            sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096)
    assert sizes[1] - sizes[0] < 50e6
