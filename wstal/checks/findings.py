"""What is wrong and what is odd in one file or dataset, gathered and said together."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from wstal.base.errors import MachineError, UserError
from wstal.checks.catalogue import CHECKS

QUOTED = 20  # faults that a refusal quotes
SHOWN = 10  # cases that a note quotes


class Fault(NamedTuple):
    """One fault."""

    problem: str  # without a full stop: "video 'a' has no label"
    cure: str  # what to do: "label it"
    sentence: str = ""  # the whole, where it was one before it was gathered


class Findings:
    """Faults and notes of one file or dataset, which `origin` names in every sentence; "" where the problems do."""

    def __init__(self, origin: str = ""):
        self.origin = origin
        self.faults: list[Fault] = []
        self._odd: dict[str, list[Fault]] = {}  # check -> what it has found

    def found(self, check: str, problem: str, cure: str) -> None:
        """Take down what a check of the catalogue has found: a fault or part of a note, as the catalogue says."""
        fault = Fault(problem, cure)
        if CHECKS[check].refused:
            self.faults.append(fault)
        else:
            self._odd.setdefault(check, []).append(fault)

    def fault(self, problem: str, cure: str) -> None:
        """Take down what breaks the form of the file, which no check of the catalogue is about."""
        self.faults.append(Fault(problem, cure))

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """A sentence that the block raises is one of several faults, and what comes after the block goes on."""
        try:
            yield
        except MachineError:
            raise
        except UserError as error:
            problem, _, cure = str(error).removesuffix(".").partition("; ")
            for between in (": ", ", "):
                problem = problem.removeprefix(f"{self.origin}{between}")
            self.faults.append(Fault(problem, cure, str(error)))

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for every check that has found something odd, in the order of the catalogue."""
        return tuple(f"{check}: {_said(self._odd[check], SHOWN)}." for check in CHECKS if check in self._odd)

    @property
    def answer(self) -> str:
        """All faults in one sentence; "" where there is none."""
        if not self.faults:
            return ""
        alone = self.faults[0].sentence if len(self.faults) == 1 else ""
        return alone or f"{self.origin}{': ' * bool(self.origin)}{_said(self.faults, QUOTED)}."

    def refuse(self) -> None:
        """End with all faults in one answer.

        Raises:
            UserError: there is a fault.
        """
        if self.faults:
            raise UserError(self.answer)


def _said(faults: list[Fault], most: int) -> str:
    """The first `most` faults, those with one cure together, and how many more there are."""
    of_cure: dict[str, list[str]] = {}
    for problem, cure, _ in faults[:most]:
        of_cure.setdefault(cure, []).append(problem)
    parts = ["; ".join(problems) for problems in of_cure.values()]
    if len(faults) > most:
        parts[-1] += f" (and {len(faults) - most} more)"
    return " | ".join(f"{part}; {cure}" if cure else part for part, cure in zip(parts, of_cure, strict=True))


def some(names: Iterable[str], most: int = 5) -> str:
    """The first `most` names, quoted, and how many more there are."""
    listed = [*names]
    more = f" (and {len(listed) - most} more)" if len(listed) > most else ""
    return ", ".join(map(repr, listed[:most])) + more
