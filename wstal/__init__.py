"""Weakly-supervised temporal action localization: one folder a step of the data's way, from annotations to tables."""
