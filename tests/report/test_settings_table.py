"""What rows are trained with: only what differs within a method is shown."""

from wstal.report.settings_table import flat, settings_table


def test_only_what_differs_within_a_method_is_shown(tiny_runs):
    rows = {
        "full": {}, "narrow": {"params": {"hidden": [8, 8]}}, "um": {"method": "um"},
        "quick": {"weights": {"cw": 0.5}, "training": {"epochs": 3}},
    }  # fmt: skip
    table = settings_table(tiny_runs(rows))
    assert table.header == ("row", "method", "preset", "in what rows of the method differ")
    assert table.rows == (
        ("full", "facnet", "released", "weights.cw 1.0, training.epochs 40, params.hidden [32, 32]"),
        ("narrow", "facnet", "released", "weights.cw 1.0, training.epochs 40, params.hidden [8, 8]"),
        ("um", "um", "released", "–"),
        ("quick", "facnet", "released", "weights.cw 0.5, training.epochs 3, params.hidden [32, 32]"),
    )


def test_nested_names_are_dotted():
    assert flat({"a": {"b": {"c": 1}}, "d": [2]}) == {"a.b.c": 1, "d": [2]}
