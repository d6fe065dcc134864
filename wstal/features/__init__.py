"""Videos -> features: pixels, backbones and extraction. Knows no label; this folder itself holds nothing."""
