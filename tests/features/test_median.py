"""The median network against sorting, and its size."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import pad

from wstal.features.pixels.median import SCHEDULE, Median


def brute(images: torch.Tensor) -> torch.Tensor:
    """Median of all windows of 5x5 by sorting."""
    windows = pad(images[:, None], (2, 2, 2, 2), mode="replicate")[:, 0].unfold(1, 5, 1).unfold(2, 5, 1)
    return windows.flatten(3).median(-1).values


@given(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12), st.sampled_from([2, 30, 10**6]), st.integers(0, 10**6))
def test_median(images, height, width, values, seed):
    x = torch.randint(values, (images, height, width), generator=torch.Generator().manual_seed(seed)).float()
    assert torch.equal(Median(images, height, width, x.device)(x), brute(x))


def test_memory_of_an_image_before_does_not_matter():
    median = Median(1, 9, 8, torch.device("cpu"))
    for seed in range(3):
        x = torch.randn(1, 9, 8, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(median(x), brute(x))


@pytest.mark.parametrize("ones", range(26))
def test_every_number_of_ones_in_a_window(ones):
    """A network of minima and maxima that is right for zeros and ones is right for all values."""
    generator = torch.Generator().manual_seed(ones)
    x = torch.stack([(torch.randperm(25, generator=generator) < ones).float().view(5, 5) for _ in range(500)])
    assert Median(500, 5, 5, x.device)(x)[:, 2, 2].eq(float(ones >= 13)).all()


def test_few_steps():
    assert len(SCHEDULE) == 88
