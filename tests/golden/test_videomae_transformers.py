"""VideoMAE against the transformers library itself, where it is installed: ViT-L's shape, fewer layers, weights of one rule."""

from pathlib import Path

import pytest
import torch

from tests.golden.test_backbone_parity import close, drawn
from wstal.features.backbones import registry, videomae
from wstal.features.backbones.checkpoint import recognize, state

transformers = pytest.importorskip("transformers")
FRAMES, SIZE = 4, 32


@pytest.mark.parametrize(("width", "heads"), [(768, 12), (1024, 16)])
def test_the_library_agrees(width, heads):
    config = transformers.VideoMAEConfig(
        image_size=SIZE, num_frames=FRAMES, hidden_size=width, num_hidden_layers=2, num_attention_heads=heads,
        intermediate_size=4 * width, layer_norm_eps=videomae.EPS, use_mean_pooling=True, num_labels=7,
    )  # fmt: skip
    theirs = transformers.VideoMAEForVideoClassification(config).double().eval()
    theirs.fc_norm.eps = videomae.EPS  # the authors'; the library's default is another
    filled = {name: torch.from_numpy(drawn(name, tuple(value.shape), 1.0)) for name, value in theirs.state_dict().items()}
    theirs.load_state_dict(filled)
    ours = videomae.VideoMAE(7, width, 2, heads).eval()
    backbone, path = registry.load("videomae_l16"), Path("model.safetensors")
    stored = {key: value for key, value in filled.items() if "position" not in key}
    layout = recognize(backbone, list(ours.state_dict()), stored, path)
    ours.load_state_dict(state(ours, layout, stored, path))
    x = torch.rand(2, 3, FRAMES, SIZE, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 0.5
    with torch.no_grad():
        close(ours.double().head(ours(x)), theirs(x.transpose(1, 2)).logits, 1e-9)
