"""What stands out in a table and why: a sentence for results that a reader would take for a mistake, each found by a trial."""

REMARKS = {  # entry -> {row: sentence}
    "metric_table1": {
        "wsad_paper_preset": (
            "Why preset paper of deep metric learning is so much lower: it localizes by probabilities, as the text says, the "
            "released code by logits. Above 0 a sigmoid hardly tells the middle of an action from what is around it, and "
            "boundaries suffer first. Training is not the cause: of one seed, weights of preset paper localized by logits "
            "came to what preset released reaches, and weights of preset released localized by probabilities fell as low."
        )
    }
}


def of(entry: str, rows: list[str]) -> str:
    """The sentences on those rows of an entry that are there, each with a blank before it."""
    return "".join(f" {text}" for row, text in REMARKS.get(entry, {}).items() if row in rows)
