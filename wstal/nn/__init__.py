"""Blocks that several methods share: pooling, masking, attention, suppression, losses. Knows no method, no parameter file."""
