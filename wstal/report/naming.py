"""What stands above values of ours and beside them: whose they are, and of which dataset."""

from wstal import published
from wstal.evaluation.metrics import Metrics
from wstal.published import originals


def title(metrics: Metrics) -> str:
    """What stands above values of ours: the entry, and the dataset that they are of."""
    return f"{published.entry(metrics.entry).title}, on {originals.spoken(metrics.dataset)}"


def values(metrics: Metrics) -> str:
    """What values of ours are called in a table: "simulated", or "ours" beside what a paper prints of the same dataset."""
    return "simulated" if originals.is_simulated(metrics.dataset) else "ours"


def printed(metrics: Metrics) -> str:
    """What values of a paper are called beside ours."""
    return f"printed, on {originals.original(metrics.dataset)}" if originals.is_simulated(metrics.dataset) else "printed"
