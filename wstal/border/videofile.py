"""Video files, opened for decoding: of the kinds listed here, from the file alone.

FFmpeg would take a text file named .mp4 for a playlist and show what it names, here or in the network; a name with a colon for
the address of a server; a photograph for a video. Here a path is a file whatever its name, and both the containers and the
ways to reach data are allowed by list.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video import VideoStream

from wstal.base.errors import UserError, of_system, system_errors
from wstal.border.limits import LIMITS

# FFmpeg's names. A container may stand under several; one of them is enough.
CONTAINERS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "mxf", "nut", "rm", "wtv", "dv", "ivf", "gif",
    "yuv4mpegpipe",
)  # fmt: skip
RAW = ("h264", "hevc", "vvc", "mpegvideo", "m4v", "h263", "vc1", "obu", "mjpeg", "dirac", "cavsvideo")  # pictures, no times
KNOWN = "MP4, MOV, Matroska, WebM, AVI, MPEG, FLV, WMV, Ogg, MXF or a raw stream such as H.264"


class DecodeError(UserError):
    """A file that yields no frame. The sentence names the file, the reason and the cure."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"{path} cannot be decoded: {reason}; replace the file, or leave the video out.")


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """An open container and its first video stream that is no cover picture.

    Raises:
        UserError: for a missing file.
        DecodeError: for one that is no video.
    """
    try:
        with system_errors(path):
            path.open("rb").close()  # FFmpeg says of damaged files, too, that memory or the drive failed
        container = av.open(
            f"file:{path}",
            metadata_errors="ignore",
            options={"protocol_whitelist": "file", "format_whitelist": ",".join((*CONTAINERS, *RAW))},
        )
    except FileNotFoundError:
        raise UserError(f"{path} is missing; put the video there, or leave it out.") from None
    except UnicodeEncodeError:
        raise UserError(f"{path} has a name that is not in UTF-8; rename the file.") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        limit = of_system(error, path) if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE) else None
        raise limit or DecodeError(path, reason(error)) from None
    with container:
        films = [stream for stream in container.streams.video if not stream.disposition & NO_FILM]
        if not films:
            raise DecodeError(path, "it has no video stream")
        stream = films[0]
        if stream.codec_context is None:
            raise DecodeError(path, "its video is of a kind that nobody knows")
        if stream.codec_context.width * stream.codec_context.height > LIMITS.pixels:
            size = f"{stream.codec_context.width} x {stream.codec_context.height} pixels"
            raise DecodeError(path, f"its pictures have {size}, more than {LIMITS.pixels}")
        yield container, stream


NO_FILM = Disposition.attached_pic | Disposition.still_image


def is_raw(container: InputContainer) -> bool:
    """Whether it is a stream of pictures without times."""
    return container.format.name in RAW


def reason(error: Exception) -> str:
    """What FFmpeg or the system says."""
    if getattr(error, "errno", None) == errno.EINVAL:
        return f"it is a playlist, a still picture or of another kind than those that are read ({KNOWN})"
    return (getattr(error, "strerror", None) or type(error).__name__).lower()
