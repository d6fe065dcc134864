"""Whatever a file holds: values or a sentence, in seconds, in little memory.

Here and in CI a few cases a format; `make fuzz` draws WSTAL_FUZZ of them, others each time. What once failed lies in corpus/, a
folder a target, and is read again by every run.
"""

import gc
import os
import resource
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.edits import EDIT, edited
from tests.fuzz.targets import TARGETS, Target
from wstal.base.errors import LONGEST, UserError

CORPUS = Path(__file__).parent / "corpus"
CASES = int(os.environ.get("WSTAL_FUZZ", "0"))  # of the long run; 0: the short one
TOTAL = CASES or 900
SLOWEST_S, MOST_BYTES = 20, 2**30
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture, HealthCheck.large_base_example]


class HangError(BaseException):
    """No reader may take this for damage of a file."""


def rss_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _stop(*_):
    raise HangError(f"{SLOWEST_S} s are over")


def examine(target: Target, folder: Path, data: bytes) -> None:
    """Read `data` as the target's file; all but values and a good sentence is a failure."""
    file = folder / target.name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    before = rss_bytes()
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(SLOWEST_S)
    try:
        target.read(folder)
    except UserError as error:
        text = str(error)
        assert text.endswith(".") and "\n" not in text and len(text) <= LONGEST + 10 and text.encode()
    finally:
        signal.alarm(0)
    assert rss_bytes() - before < MOST_BYTES


@pytest.fixture(scope="module", params=TARGETS)
def prepared(request, tmp_path_factory):
    """(a target, a folder with all that it needs, its good contents)."""
    folder = tmp_path_factory.mktemp("fuzz")
    target = TARGETS[request.param]
    yield request.param, target, folder, target.make(folder)
    shutil.rmtree(folder, ignore_errors=True)
    gc.collect()


def test_good_files_are_read(prepared):
    _, target, folder, good = prepared
    for data in good:
        file = folder / target.name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        try:
            target.read(folder)
        except UserError as error:
            assert "never uses" in str(error), "only the archive in a compression of its own is refused"


def test_what_once_failed_is_a_value_or_a_sentence(prepared):
    name, target, folder, _ = prepared
    for file in sorted((CORPUS / name).glob("*")):
        examine(target, folder, file.read_bytes())


def test_bad_files_are_values_or_a_sentence(prepared):
    _, target, folder, good = prepared
    weight = sum(other.share for other in TARGETS.values())

    @settings(
        max_examples=max(8, round(TOTAL * target.share / weight)), deadline=None, derandomize=not CASES, database=None,
        suppress_health_check=QUIET,
    )  # fmt: skip
    @given(base=st.sampled_from(good), edits=st.lists(EDIT, min_size=1, max_size=4))
    def run(base, edits):
        data = edited(base, edits)
        (folder / "last").write_bytes(data)  # what to keep in corpus/, should the process itself end
        examine(target, folder, data)

    run()
