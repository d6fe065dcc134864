"""run.yaml: what a run folder says of itself comes back as it was, for every row of params.yaml."""

import pytest

from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.config import parameters
from wstal.training import trained


def test_every_row_comes_back(raw, tmp_path):
    params = parameters.load(raw)
    for name, entry in params.entries.items():
        for row in entry.rows:
            card = trained.Trained(
                method=params.method(entry, row), how=params.resolve(entry, row), classes=("Yes", "no", "1e5"),
                dims={"rgb": 3}, grid=TimeGrid(29.97, 8, 16), backbone="made", extraction={"speed": {"fold": True}},
            )  # fmt: skip
            trained.write(card, tmp_path)
            assert trained.read(tmp_path) == card, (name, row)


@pytest.mark.parametrize("content", [b"{", b"method: um\n", b"\xff\xfe", b""])
def test_a_damaged_file_is_a_sentence(tmp_path, content):
    (tmp_path / "run.yaml").write_bytes(content)
    with pytest.raises(UserError, match=r"run\.yaml is damaged or of another version .*; train again"):
        trained.read(tmp_path)
