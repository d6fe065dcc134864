"""Scores -> detections, and several models' scores or detections -> one. NumPy alone: knows no network and no ground truth."""
