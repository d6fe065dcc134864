"""Progress of long work, kept out of notebooks' saved output.

A process that works calls `report(what, done, total)`. Under the notebook runner, WSTAL_PROGRESS names a file: reports go
there, one line each, from the kernel and from its worker processes, and the runner draws the bars on its own terminal.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tqdm import tqdm

VARIABLE = "WSTAL_PROGRESS"


def report(what: str, done: int, total: int, beside: str = "") -> None:
    """Tell whoever listens that `done` of `total` parts of `what` are finished; `beside` stands beside the bar."""
    _tell(what, str(done), str(total), *([beside] if beside else []))


def note(sentence: str) -> None:
    """Tell whoever listens what is odd, though it goes on: a line among the bars."""
    _tell(" ".join(sentence.split()))


def _tell(*fields: str) -> None:
    path = os.environ.get(VARIABLE)
    if path:
        with suppress(OSError), Path(path).open("a") as lines:  # nobody's work ends because nobody can be told of it
            lines.write("\t".join(fields) + "\n")


def steps(what: str, every_s: float = 5.0) -> Callable[[int, int, Callable[[], float]], None]:
    """A callback (done, total, loss) that reports every `every_s` seconds and then the end, so that short work stays silent.

    `loss()`, the mean since it was last called, may take time: it is called for a report, and only where somebody listens.
    """
    last, told = time.monotonic(), False

    def step(done: int, total: int, loss: Callable[[], float]) -> None:
        nonlocal last, told
        if time.monotonic() - last >= every_s or (told and done == total):
            last, told = time.monotonic(), True
            if os.environ.get(VARIABLE):
                report(what, done, total, f"loss {loss():.3g}")

    return step


@contextmanager
def shown(path: Path) -> Iterator[None]:
    """Reports of this process and of those that it starts, as bars on stderr; they travel through the file `path`.

    Where the file cannot be made, nothing is shown.
    """
    try:
        bars = Bars(path)
    except OSError:
        yield
        return
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(path)
    bars.start()
    try:
        yield
    finally:
        bars.stop()
        os.environ.pop(VARIABLE)
        os.environ.update({VARIABLE: before} if before else {})


class Bars(threading.Thread):
    """Draws the reports that appear in a file as progress bars on stderr until `stop` is called, or stderr is closed."""

    def __init__(self, path: Path):
        super().__init__(daemon=True)
        self.path, self.ended, self.blind = path, threading.Event(), sys.stderr is None
        self.bars: dict[str, tqdm] = {}
        self.lock = _channel(path)

    def run(self) -> None:
        """Draw every new line of the file, until `stop` is called and the rest is drawn."""
        with self.path.open() as lines:
            while True:
                ended = self.ended.wait(0.3)  # read once more after the end
                for line in lines.read().splitlines():
                    self._try(self.draw, *line.split("\t"))
                if ended:
                    break
        for bar in self.bars.values():
            self._try(bar.close)

    def _try(self, draw: Callable[..., object], *fields: str) -> None:
        """Call draw(*fields), but for once and all not where nobody reads any more."""
        if not self.blind:
            try:
                draw(*fields)
            except (OSError, ValueError):  # a pipe without a reader, a closed file
                self.blind = True

    def draw(self, what: str, done: str = "", total: str = "", beside: str = "") -> None:
        """Move the bar of `what` to `done` of `total`, both decimal numbers; without them `what` is a note."""
        if not total:
            tqdm.write(f"note: {what}", file=sys.stderr)
            return
        if what not in self.bars:
            self.bars[what] = tqdm(total=int(total), desc=what, mininterval=1, dynamic_ncols=True)
        bar = self.bars[what]
        bar.set_postfix_str(beside, refresh=False)
        bar.update(int(done) - bar.n)
        if done == total:
            bar.close()  # or its clock would go on

    def stop(self) -> None:
        """Draw what is left and end."""
        self.ended.set()
        self.join()
        self.path.unlink(missing_ok=True)
        os.close(self.lock)


def _channel(path: Path) -> int:
    """A descriptor that holds a new, empty file. Where it is named by its process, those of killed ones beside it go.

    Raises:
        OSError: it cannot be made.
    """
    from wstal.base import files, locks  # here, as those tell through this file what they wait for

    path.parent.mkdir(parents=True, exist_ok=True)
    for left in files.abandoned(path.parent, "[0-9]*") if path.name.isdecimal() else ():
        if left.name.isdecimal() and left.is_file():
            left.unlink(missing_ok=True)
    if not (found := locks.grab(path, os.O_RDWR | os.O_CREAT)):
        raise FileExistsError(f"{path} is that of another process")
    os.ftruncate(found[0], 0)
    return found[0]
