"""TV-L1 against OpenCV 5.0's DualTVL1OpticalFlow on synthetic pairs (scripts/golden_flow.py)."""

import pytest
import torch

from wstal.features.pixels.flow import tvl1
from wstal.features.pixels.tvl1 import OPENCV

# Largest mean difference in pixels. Noise makes the disc converge slowly: rounding decides which iteration is the last.
MEAN = {"drift": 1e-4, "disc": 0.03, "small": 1e-4, "tiny": 1e-4}


@pytest.mark.parametrize("name", MEAN)
def test_flow(golden, name):
    gold = golden("tvl1")
    frames = torch.from_numpy(gold[f"{name}.frames"])
    difference = tvl1(frames[:1], frames[1:], settings=OPENCV)[0] - torch.from_numpy(gold[f"{name}.flow"])
    assert difference.norm(dim=0).mean() < MEAN[name]


def test_the_stored_flow_is_no_trifle(golden):
    gold = golden("tvl1")
    assert all(abs(gold[f"{name}.flow"]).max() > 2 for name in MEAN)
