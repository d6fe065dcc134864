"""Videos -> features: pixels, backbones and extraction. It knows no label and no time of an action.

This folder itself holds nothing.
"""
