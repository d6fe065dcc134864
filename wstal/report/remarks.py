"""What stands out in a table and why: a sentence for results that a reader would take for a mistake, each found by a trial."""

from dataclasses import dataclass

from wstal.evaluation.metrics import Metrics

APART = 10.0  # points of average mAP from which a row stands out


@dataclass(frozen=True)
class Remark:
    """Why a row lies far below another one."""

    beside: str  # the other row
    text: str


REMARKS = {  # entry -> {row: remark}
    "metric_table1": {
        "wsad_paper_preset": Remark(
            "wsad",
            "Why preset paper of deep metric learning is so much lower: it localizes by probabilities, as the text says, the "
            "released code by logits. Above 0 a sigmoid hardly tells the middle of an action from what is around it, and "
            "boundaries suffer first. Training is not the cause: of one seed on earlier simulated videos, weights of preset "
            "paper localized by logits came to what preset released reaches, and weights of preset released localized by "
            "probabilities fell as low.",
        )
    }
}


def of(metrics: Metrics) -> str:
    """The sentences on those rows of an entry that stand out, each with a blank before it."""
    found = REMARKS.get(metrics.entry, {}).items()
    return "".join(f" {remark.text}" for row, remark in found if stands_out(metrics, row, remark.beside))


def stands_out(metrics: Metrics, row: str, beside: str) -> bool:
    """Whether both rows are there, and the first lies far below the other."""
    if not {row, beside} <= set(metrics.rows):
        return False
    return float(metrics.average(beside).mean() - metrics.average(row).mean()) >= APART
