"""Videos -> features: pixels, backbones and extraction. This folder itself holds nothing."""
