"""The leaderboard by hand: ranks, neighbours, what choosing on test data adds."""

import numpy as np
import pytest

from tests.report.made import make_metrics
from wstal.base.paths import PIPELINE
from wstal.config import parameters
from wstal.evaluation.metrics import read
from wstal.report import leaderboard
from wstal.report.protocol_effects import BEST

AVERAGES = {"sal": (30, 34), "ddg": (40, 40), "co2": (35, 33), "lgbm": (50, 52)}  # of seed 0 and 1
GAINS = {"sal": (1, 3), "ddg": (0, 0), "co2": (2, 2), "lgbm": (0, 4)}


@pytest.fixture
def known():
    """Metrics of four rows, of which three have a published average."""
    seeds = {
        row: [{"all": [mean], BEST: [mean + GAINS[row][k]]} for k, mean in enumerate(means)] for row, means in AVERAGES.items()
    }
    return make_metrics(seeds, "leaderboard", tious=[0.5])


def test_ranks_by_hand():
    assert leaderboard.ranks({"a": 1.0, "b": 3.0, "c": 1.0}) == {"a": 2, "b": 1, "c": 3}


def test_table_by_hand(known):
    table = leaderboard.table(known)
    assert table.title == "Leaderboard: all methods, on simulated THUMOS14"
    columns = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    assert [row["method"] for row in columns] == ["SAL, 2025", "DDG-Net on DELU, 2023", "CO2-Net, 2021", "LGBM-Net, 2021"]
    assert [row["AVG printed, on THUMOS14"] for row in columns] == ["50.6", "47.3", "44.6", "–"]
    assert [row["rank printed"] for row in columns] == ["1", "2", "3", "–"]
    assert [row["rank simulated"] for row in columns] == ["4", "2", "3", "1"]
    assert [row["above the next row"] for row in columns] == ["−8.0", "+6.0", "−17.0", "–"]
    assert [row["better than the next on"] for row in columns] == ["0 % (0 of 2)", "100 % (2 of 2)", "0 % (0 of 2)", "–"]
    assert columns[0]["AVG simulated"] == "32.0 ± 2.8" and columns[0]["95 % interval"] == "[30.0, 34.0]"


def test_ranks_of_those_that_are_printed(known):
    """Here DDG-Net, CO2-Net, SAL: the first falls to the end. Correlation of (1, 2, 3) and (3, 1, 2): -1/2."""
    figure = leaderboard.beside(known)
    assert (figure.published, figure.ours) == ((1, 2, 3), (3, 1, 2))
    assert "of the 3 methods whose average is printed: −0.50" in leaderboard.table(known).caption
    drawn = figure.draw()
    assert len(drawn.axes[0].lines) == 3
    assert {text.get_text() for text in drawn.axes[0].texts} >= {"SAL, 2025  1", "3  SAL, 2025"}


def test_what_choosing_adds(known):
    table = leaderboard.choosing(known)
    assert [row[0] for row in table.rows] == [row[0] for row in leaderboard.table(known).rows]
    assert [row[3] for row in table.rows] == ["2.0 ± 1.4", "0.0 ± 0.0", "2.0 ± 0.0", "2.0 ± 2.8"]
    (claim,) = leaderboard.gains(known)
    np.testing.assert_allclose(claim.differences, (0.75, 2.25))


@pytest.mark.parametrize("entry", [name for name, one in parameters.load().entries.items() if one.notebook == "04_leaderboard"])
def test_committed_tables_are_made_of_the_committed_metrics(entry):
    assert (PIPELINE.tables() / f"{entry}.md").read_text() == leaderboard.table(read(entry, PIPELINE)).markdown()
