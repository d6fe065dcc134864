"""Videos -> features: pixels, backbones and extraction. It knows no label and no time of an action; this folder itself holds nothing."""
