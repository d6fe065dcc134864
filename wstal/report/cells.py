"""Numbers -> the text of a table's cells. Numbers are rounded here, once."""

from collections.abc import Sequence

import numpy as np

DASH = "–"  # nothing to say


def mean_std(values: np.ndarray) -> str:
    """Mean ± sample standard deviation over the seeds (S,), one decimal; the mean alone for a single seed."""
    spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{spread}"


def percent(fractions: Sequence[float]) -> str:
    """Mean ± deviation of fractions (S,) in percent; a dash where one is nan."""
    return DASH if np.isnan(fractions).any() else mean_std(100 * np.array(fractions))


def number(value: float | None, form: str = ".1f") -> str:
    """A number in the format `form`; a dash for None."""
    return DASH if value is None else format(value, form)


def signed(value: float) -> str:
    """A difference with its sign, one decimal."""
    return f"{value:+.1f}".replace("-", "−")
