"""Detections x ground truth -> mAP and what is wrong with detections. Knows segment times; trains nothing and draws nothing."""
