"""Names of datasets where people read: a simulated one never has the name of the real one alone."""

from wstal import published

ENDING = "-sim"  # of names of datasets that are made up; `wstal check` holds params.yaml against it


def is_simulated(dataset: str) -> bool:
    """Whether a dataset is made up, so that nothing which a paper prints is about it."""
    return dataset.endswith(ENDING)


def original(dataset: str) -> str:
    """The dataset that papers know: "THUMOS14" of thumos14-sim."""
    stem = dataset.removesuffix(ENDING)
    known = published.statistics().get(stem)
    return known.title if known else stem


def spoken(dataset: str) -> str:
    """A dataset in a sentence: "simulated THUMOS14"."""
    return f"simulated {original(dataset)}" if is_simulated(dataset) else dataset
