"""Figures of snippets: what they show by hand, and that the drawing shows it."""

import matplotlib
import numpy as np

from tests.report.drawn import legend
from wstal.report.figure_snippets import Embeddings, Similarity, cosines
from wstal.report.plots import FOUND, PALE

MAPS = {"CA": np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), "full": np.array([[9.0, 8.0], [7.0, 6.0], [5.0, 4.0]])}


def test_embeddings_as_drawn():
    figure = Embeddings(MAPS, np.array([True, False, True])).draw()
    for axis, (name, points) in zip(figure.axes, MAPS.items(), strict=True):
        background, foreground = axis.collections
        assert background.get_offsets().tolist() == points[1:2].tolist()
        assert foreground.get_offsets().tolist() == points[::2].tolist()
        colours = [tuple(cloud.get_facecolor()[0, :3]) for cloud in axis.collections]
        assert colours == [matplotlib.colors.to_rgb(PALE), matplotlib.colors.to_rgb(FOUND)]
        assert axis.get_title("left") == name
    assert legend(figure) == ["background", "foreground"] and figure.get_suptitle() == "t-SNE of snippet embeddings"


def test_cosines_by_hand():
    x = np.array([[3.0, 4.0], [8.0, 6.0], [0.0, 0.0], [-4.0, 3.0]], dtype=np.float16)
    wanted = [[1, 0.96, 0, 0], [0.96, 1, 0, -0.28], [0, 0, 0, 0], [0, -0.28, 0, 1]]
    np.testing.assert_allclose(cosines(x), wanted, atol=1e-12)
    assert x[0].tolist() == [3, 4]  # the store's rows stay as they are


def test_similarity_as_drawn():
    maps = {"a, rgb: Wave": np.array([[1.0, 0.25], [0.5, 1.0]]), "a, flow: Wave": np.array([[1.0, 0.75], [0.1, 1.0]])}
    figure = Similarity(maps).draw()
    for axis, (title, cosine) in zip(figure.axes[:2], maps.items(), strict=True):
        found = axis.collections[0]
        np.testing.assert_allclose(np.ravel(found.get_array()), cosine.ravel())
        assert axis.get_title("left") == title and found.get_clim() == (0, 1)
        assert (axis.get_xlabel(), axis.get_ylabel()) == ("snippet", "snippet")
