"""Published annotations, simulated and drawn datasets -> videos.json, segments.json and a feature store.

The one room, with those inside it, where segment times are read and made; nothing up to `training` may import it.
"""
