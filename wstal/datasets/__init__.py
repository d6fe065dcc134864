"""Published annotations, simulated and drawn datasets -> videos.json, segments.json and a feature store.

Segment times are made and written here; nothing up to `training` may import it. Knows no method and no run.
"""
