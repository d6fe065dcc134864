"""Figures are closed after each test."""

import pytest
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def closed():
    """Close what a test drew."""
    yield
    plt.close("all")
