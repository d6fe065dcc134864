"""TV-L1 against OpenCV 5.0's DualTVL1OpticalFlow on synthetic pairs (scripts/golden_flow.py)."""

import torch

from wstal.features.pixels.flow import tvl1
from wstal.features.pixels.tvl1 import OPENCV

MEAN = 1e-4  # largest mean difference in pixels
SLOW = {"disc": 0.03}  # noise makes it converge slowly: rounding decides which iteration is the last


def names(gold):
    """Names of the pairs of frames in the file."""
    return sorted(key.removesuffix(".flow") for key in gold if key.endswith(".flow"))


def test_flow(golden):
    gold = golden("tvl1")
    assert names(gold)
    for name in names(gold):
        frames = torch.from_numpy(gold[f"{name}.frames"])
        difference = tvl1(frames[:1], frames[1:], settings=OPENCV)[0] - torch.from_numpy(gold[f"{name}.flow"])
        assert difference.norm(dim=0).mean() < SLOW.get(name, MEAN), name


def test_the_stored_flow_is_no_trifle(golden):
    gold = golden("tvl1")
    assert all(abs(gold[f"{name}.flow"]).max() > 2 for name in names(gold))
