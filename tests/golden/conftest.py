import pytest

from tests.golden import arrays


@pytest.fixture(scope="session")
def golden():
    """golden(name) -> {key: array} of a file of golden arrays."""
    return arrays.load
