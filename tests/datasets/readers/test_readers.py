"""The folder is the registry of readers."""

import pytest

from wstal.base.errors import UserError
from wstal.datasets import readers


@pytest.mark.parametrize("name", ["thumos14_reduced", "thumos14_basnet", "activitynet_json", "segments_csv"])
def test_a_reader_is_its_file(name):
    reader = readers.load(name)
    assert reader.__name__ == f"wstal.datasets.readers.{name}"
    assert all(hasattr(reader, part) for part in ("Source", "annotations", "features"))


@pytest.mark.parametrize("name", ["thumos15", "unpickle", "_files", "../thumos14_reduced", "readers.unpickle", ""])
def test_unknown_reader_lists_those_there_are(name):
    with pytest.raises(UserError, match=r"params\.yaml: .*; set `reader` to one of activitynet_json, .*thumos14_reduced"):
        readers.load(name)
