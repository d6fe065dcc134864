"""Names of datasets for people: simulated ones say so."""

import pytest

from wstal.app import check
from wstal.base.conversion import merge
from wstal.base.errors import UserError
from wstal.published import originals


@pytest.mark.parametrize(
    ("dataset", "simulated", "original", "spoken"),
    [
        ("thumos14-sim", True, "THUMOS14", "simulated THUMOS14"),
        ("activitynet13-sim", True, "ActivityNet 1.3", "simulated ActivityNet 1.3"),
        ("hacs", False, "HACS Segments 1.1.1", "hacs"),
        ("mine-sim", True, "mine", "simulated mine"),
        ("simple", False, "simple", "simple"),
    ],
)
def test_names(dataset, simulated, original, spoken):
    assert (originals.is_simulated(dataset), originals.original(dataset), originals.spoken(dataset)) == (
        simulated, original, spoken
    )  # fmt: skip


def test_params_yaml_cannot_hide_what_is_simulated(raw, monkeypatch):
    """A dataset that a reader makes up ends its name so, and no other does."""
    check.check(raw)
    section = raw["datasets"]["thumos14-sim"]
    with pytest.raises(UserError, match=r"datasets\.films is simulated; end its name with -sim,"):
        check.check(merge(raw, {"datasets": {"films": section}}))
    monkeypatch.setattr(check.smoke, "SIMULATED", f"{section['features']['reader']}_anew")
    with pytest.raises(UserError, match=r"datasets\.thumos14-sim is not simulated"):
        check.check(raw)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"datasets\.real-sim is not simulated; do not end its name"):
        check.check(merge(raw, {"datasets": {"real-sim": raw["datasets"]["hacs"]}}))
