"""Figures of the committed results: with the real names and numbers no label leaves its figure or lies over another."""

import pytest

from wstal.base.paths import PIPELINE
from wstal.config import parameters
from wstal.evaluation import metrics
from wstal.report import figure_claims, figure_rows, figure_sweeps, overview, protocol_effects

REPORTED = list(parameters.load().reported)


@pytest.mark.parametrize("entry", REPORTED)
def test_rows_and_claims(entry):
    """conftest.py looks at what is drawn."""
    found = metrics.read(entry, PIPELINE)
    figure_rows.beside_published(found).draw()
    if figure_claims.forest(found).rows:
        figure_claims.forest(found).draw()


def test_parameters():
    figure_sweeps.weights(metrics.read("facnet_figure4", PIPELINE)).draw()
    found = metrics.read("metric_figures", PIPELINE)
    names = {"k": "k, blocks as in the other rows", "block": "size of a block in snippets"}
    figure_sweeps.sweep(found, names, "Figure 4: k and the size of blocks").draw()
    figure_rows.curves(found, ["bbce", "cosine", "euclidean", "learned"], "Figure 3: distances of the triplet loss").draw()


def test_protocols_and_verdicts():
    found = metrics.read("protocols", PIPELINE)
    figure_rows.variants(found, [*protocol_effects.PROTOCOLS, "two videos fewer", protocol_effects.BEST]).draw()
    overview.draw(overview.strips(REPORTED, PIPELINE))
