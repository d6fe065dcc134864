"""Simulated datasets with the statistics of real I3D features; the parameters are the `source` section itself.

See datasets/simulation.
"""

from wstal.datasets.readers.simulated import annotations as annotations
from wstal.datasets.simulation.features import Source as Source
from wstal.datasets.simulation.features import features as features
