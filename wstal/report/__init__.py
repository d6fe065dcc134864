"""Metrics, scores and ground truth -> tables, figures, claims, the page of all of them and a page for one's own videos.

Knows what all rooms before it make, and makes no detection and no metric itself; nothing imports it but `app`.
"""
