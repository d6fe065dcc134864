"""Every figure that a test draws is looked at when the test ends, and closed."""

import pytest
from matplotlib import pyplot as plt

from tests.report import boxes


@pytest.fixture(autouse=True)
def closed(request):
    """Close what a test drew; no label leaves its figure or lies over another, unless the test is marked `unlaid`."""
    yield
    found = {} if request.node.get_closest_marker("unlaid") else {n: boxes.faults(plt.figure(n)) for n in plt.get_fignums()}
    plt.close("all")
    assert not any(found.values()), [fault for faults in found.values() for fault in faults]
