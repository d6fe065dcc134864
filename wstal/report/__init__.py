"""Metrics, scores and ground truth -> tables, figures, claims, the page of all of them and a page for one's own videos."""
