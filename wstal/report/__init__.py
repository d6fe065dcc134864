"""Metrics, scores and ground truth -> tables, figures, claims, and a page for one's own videos.

Knows what all rooms before it make, and makes no detection and no metric itself; nothing imports it but `site` and `app`.
"""
