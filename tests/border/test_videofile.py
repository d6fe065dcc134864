"""A video is a file of a known kind, whatever its name; where it ends is bounded, whatever its timestamps say."""

import socket
import threading

import av
import numpy as np
import pytest

from tests.features.films import LOSSLESS, grey, index, write
from wstal.app import folders
from wstal.base.errors import UserError
from wstal.features.pixels.decode import DecodeError, Footage, duration_s

PLAIN = {"preset": "ultrafast", "qp": "20", "bf": "0"}
PLAYLISTS = {
    "ffconcat": "ffconcat version 1.0\nfile other.mp4\n",
    "concat": "file 'other.mp4'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-VERSION:3\n#EXTINF:3.0,\nother.ts\n#EXT-X-ENDLIST\n",
    "hls of a server": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:3.0,\nhttp://127.0.0.1:{port}/v.ts\n#EXT-X-ENDLIST\n",
    "dash": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>other.mp4</BaseURL></Period></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "smil": '<smil><body><video src="other.mp4"/></body></smil>',
    "text": "what is this",
    "nothing": "",
}


@pytest.fixture
def server():
    """(port, connections so far) of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        met = []

        def meet():
            while True:
                try:
                    met.append(listening.accept()[0])
                    met[-1].close()
                except OSError:
                    return

        threading.Thread(target=meet, daemon=True).start()
        yield listening.getsockname()[1], met


def shown(path, fps=25.0):
    footage = Footage(path)
    frames = [index(frame) for frame in footage.frames(fps, 32)]
    return frames, footage.warnings


@pytest.mark.parametrize("ending", ["mp4", "ts", "m3u8", "txt"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_shows_nothing_of_what_it_names(tmp_path, server, kind, ending):
    write(tmp_path / "other.mp4", grey(4))
    write(tmp_path / "other.ts", grey(4))
    port, met = server
    path = tmp_path / f"x.{ending}"
    path.write_text(PLAYLISTS[kind].replace("{port}", str(port)))
    for read in (shown, duration_s):
        with pytest.raises(
            DecodeError, match=r"^[^\n]*x\.\w+ cannot be decoded: [^\n]*; replace the file, or leave the video out\.$"
        ):
            read(path)
    assert met == []


@pytest.mark.parametrize(
    "name", ["cam1:front.mp4", "http:x.mp4", "pipe:0", "concat:a.mp4|b.mp4", "x%03d.mp4", "a?b=c.mp4", "é.mp4", "-i.mp4"]
)
def test_a_name_is_a_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "x.mp4", grey(5)).rename(tmp_path / name)
    relative = tmp_path.relative_to(tmp_path) / name
    assert shown(relative)[0] == [0, 1, 2, 3, 4] and duration_s(relative) == pytest.approx(0.2)


def test_an_address_is_no_file(tmp_path, monkeypatch, server):
    monkeypatch.chdir(tmp_path)
    port, met = server
    for name in (f"http:/127.0.0.1:{port}/v.mp4", f"tcp:/127.0.0.1:{port}", f"rtsp:/127.0.0.1:{port}/x"):
        with pytest.raises(UserError, match="is missing; put the video there"):
            duration_s(tmp_path.relative_to(tmp_path) / name)
    assert met == []


def test_a_name_that_is_not_utf8_is_refused_before_any_work(tmp_path):
    path = tmp_path / "a\udcff.mp4"
    write(tmp_path / "x.mp4", grey(2)).rename(path)
    assert len(shown(path)[0]) == 2  # it could be read, but its results could not be written
    with pytest.raises(UserError, match=r"a\\udcff\.mp4 has a name that is not in UTF-8; rename the file\.$"):
        folders.named([path])


@pytest.mark.parametrize(
    ("ending", "codec", "pixels"),
    [
        ("png", "png", "rgb24"),
        ("jpg", "mjpeg", "yuvj420p"),
        ("bmp", "bmp", "bgr24"),
        ("webp", "libwebp", "yuv420p"),
        ("apng", "apng", "rgb24"),
    ],
)
def test_stills_are_no_videos(tmp_path, ending, codec, pixels):
    path = write(tmp_path / f"x.{ending}", grey(1), codec=codec, pixels=pixels, options={})
    for name in (f"x.{ending}", "renamed.mp4"):
        path = path.rename(tmp_path / name)
        for read in (shown, duration_s):
            with pytest.raises(DecodeError, match="cannot be decoded"):
                read(path)


@pytest.mark.parametrize(
    ("ending", "codec"),
    [
        ("h264", "libx264"),
        ("mjpeg", "mjpeg"),
        ("m1v", "mpeg1video"),
        ("m2v", "mpeg2video"),
        ("m4v", "mpeg4"),
        ("ivf", "libvpx"),
        ("hevc", "libx265"),
    ],
)
def test_raw_streams_are_videos(tmp_path, ending, codec):
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = write(
        tmp_path / f"x.{ending}", grey(20), codec=codec, pixels="yuvj420p" if codec == "mjpeg" else "yuv420p", options=options
    )
    frames, warnings = shown(path)
    assert len(frames) == pytest.approx(20, abs=1) and duration_s(path) == pytest.approx(len(frames) / 25)
    assert np.abs(np.array(frames[:20]) - range(20)).max() <= 1
    if ending == "h264":
        assert warnings == ["20 pictures have no timestamps, so 25 a second are taken"]


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize("gap_s", [200, 400, 40_000])
def test_a_gap_is_bounded_and_said(tmp_path, ending, gap_s):
    """Five pictures, the last two long after the others."""
    times = [0, 40, 80, 1000 * gap_s, 1000 * gap_s + 40]
    path = write(tmp_path / f"x.{ending}", grey(5), times=times, options=PLAIN)
    frames, warnings = shown(path)
    if gap_s == 200:
        assert duration_s(path) == pytest.approx(200.08) and len(frames) == pytest.approx(5002, abs=1)
        assert warnings == ["one picture stands for 200 s"]
    else:
        assert duration_s(path) <= 1.2 and len(frames) == pytest.approx(25 * duration_s(path), abs=1) and frames[-2:] == [3, 4]
        assert f"a gap of {gap_s} s in its timestamps was closed" in warnings


def test_slides_keep_their_times(tmp_path):
    path = write(tmp_path / "x.mp4", grey(4), times=[0, 5000, 9000, 14_000], options=PLAIN)
    frames, warnings = shown(path, fps=1.0)
    assert frames[:14] == [0] * 5 + [1] * 4 + [2] * 5 and warnings == []


def stated(path, before, after):
    """The file with four bytes of its header replaced, wherever they stand."""
    data = path.read_bytes()
    assert before.to_bytes(4, "big") in data
    path.write_bytes(data.replace(before.to_bytes(4, "big"), after.to_bytes(4, "big")))
    return path


def test_a_picture_that_is_said_to_last_for_ever_ends(tmp_path):
    with av.open(str(tmp_path / "x.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=LOSSLESS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(grey(1)[0])), *stream.encode()]:
            packet.duration = int(100_000 / packet.time_base)
            container.mux(packet)
    frames, warnings = shown(tmp_path / "x.mp4")
    assert len(frames) <= 300 * 25 and any("is said to last" in warning or "stands for" in warning for warning in warnings)


def test_pictures_beyond_all_use_are_a_sentence(tmp_path, monkeypatch):
    from dataclasses import replace

    from wstal.border import videofile

    path = write(tmp_path / "x.mp4", grey(2))
    monkeypatch.setattr(videofile, "LIMITS", replace(videofile.LIMITS, pixels=64 * 48 - 1))
    with pytest.raises(DecodeError, match="its pictures have 64 x 48 pixels, more than 3071"):
        duration_s(path)
