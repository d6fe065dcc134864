"""Videos -> features: pixels, backbones and extraction. It knows no label and no time. Here: how two sets of them differ."""
