"""Metrics of given numbers."""

from wstal.evaluation.metrics import Cell, Metrics


def make_metrics(rows, entry="facnet_table1", tious=(0.5, 0.7), protocol="thumos-facnet", presets=None) -> Metrics:
    """rows {row: one {group: mAP in percent, a tIoU each} a seed}; averages are their means."""
    cells = {
        row: {str(seed): {group: cell(values) for group, values in groups.items()} for seed, groups in enumerate(seeds)}
        for row, seeds in rows.items()
    }
    presets = {row: "released" for row in rows} | (presets or {})
    return Metrics(entry, "thumos14-sim", "Simulated.", protocol, list(tious), presets, cells)


def cell(values) -> Cell:
    """The mAP in percent, as fractions."""
    return Cell([value / 100 for value in values], sum(values) / len(values) / 100)


def averages(**rows) -> Metrics:
    """Metrics of facnet_table1 with given averages {row: [percent, a seed each]}, under either protocol, at tIoU 0.5."""
    return make_metrics(
        {row: [{"all": [value], "unified": [value]} for value in seeds] for row, seeds in rows.items()}, tious=[0.5]
    )
