"""Simulated datasets: videos with a published dataset's statistics, and features with what the papers are about.

Knows no network, no reader and no file.
"""
