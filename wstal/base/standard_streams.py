"""Standard streams of a command, which somebody may have closed: nobody's work ends because nobody reads of it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO


class Patient:
    """A stream of text that is silent from when its reader has gone on."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text, if anybody reads."""
        return self._try(self._stream.write, text) or len(text)

    def flush(self) -> None:
        """Write what is left, if anybody reads."""
        self._try(self._stream.flush)

    def _try(self, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (BrokenPipeError, ConnectionError):
            void = os.open(os.devnull, os.O_WRONLY)
            os.dup2(void, self._stream.fileno())  # also for what the stream still holds, and for libraries in C
            os.close(void)
        return None


@contextmanager
def patient() -> Iterator[None]:
    """Inside the block, stdout and stderr may lose their readers, or have been closed from the beginning."""
    _open_closed()
    with redirect_stdout(Patient(sys.stdout)), redirect_stderr(Patient(sys.stderr)):
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def _open_closed() -> None:
    """Streams that are closed lead nowhere: or the next file that is opened would get their number, and their output."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)
    os.close(handle)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123 - as long as the process
