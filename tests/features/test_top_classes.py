"""Classes of two real videos, where WSTAL_SAMPLES names a folder that holds them; names of classes, anywhere."""

import os
import runpy
from pathlib import Path

import pytest

from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.features.backbones import registry, weights

SAMPLES = os.environ.get("WSTAL_SAMPLES")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "scripts" / "top_classes.py"))


@pytest.fixture(scope="module")
def network(script):
    """I3D's scores, with its weights that a package ships."""
    backbone = registry.load("i3d_rgb")
    return backbone, *script["scorer"](backbone, weights.fetch(backbone))


@pytest.mark.skipif(not SAMPLES, reason="WSTAL_SAMPLES names no folder with the two videos and Kinetics' labels")
@pytest.mark.parametrize(
    ("video", "action"), [("v_GGSY1Qvo990.mp4", "clean and jerk"), ("v_ZNVhz7ctTq0.mp4", "walking the dog")]
)
def test_top_class_of_real_videos(script, network, video, action):
    backbone, score, classes = network
    names = script["read_names"](Path(SAMPLES) / "kinetics400_label_map.txt", classes)
    (first, probability), (_, second), *_ = script["top"](Path(SAMPLES) / video, backbone, score, None)
    assert names[first] == action and probability > 0.5 > second


def test_names_of_classes(script, tmp_path):
    read_names, labels = script["read_names"], tmp_path / "labels.txt"
    labels.write_text("jump\nrun\n")
    assert read_names(labels, 2) == ["jump", "run"] and read_names(None, 2) == ["0", "1"]
    with pytest.raises(UserError, match=r"labels\.txt has 2 lines, the network 3 classes; give the names"):
        read_names(labels, 3)
    with pytest.raises(UserError, match=r"none\.txt cannot be read; give a text file"):
        read_names(tmp_path / "none.txt", 2)
