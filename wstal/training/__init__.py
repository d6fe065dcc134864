"""Bags -> weights -> scores -> detections, for single runs, for the rows of a table and for ensembles.

The wall of weak supervision: nothing here, or in a room that this one imports, may import `datasets` or `evaluation`.
"""
