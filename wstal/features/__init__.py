"""Videos -> features: pixels, backbones and extraction. Here: how two sets of them differ."""
