"""run.yaml: what a run folder says of itself comes back as it was, for every row of params.yaml."""

import pytest

from wstal.base.errors import UserError
from wstal.base.extraction import Extraction, Speed
from wstal.base.timegrid import TimeGrid
from wstal.config import parameters, resolve
from wstal.training import card as cards


def test_every_row_comes_back(raw, tmp_path):
    params = parameters.load(raw)
    speed = Speed(precision="float32", channels_last=True, fold=True, compile=False)
    extraction = Extraction(short_side=128, size=112, batch=4, workers=1, speed=speed)
    for name in params.entries:
        for row, settings in resolve.rows(params, name).items():
            card = cards.Card(
                entry=name, row=row, seed=3, settings=settings, classes=("Yes", "no", "1e5"), dims={"rgb": 3},
                grid=TimeGrid(29.97, 8, 16), backbone="made", extraction=extraction if name == "clips" else None,
            )  # fmt: skip
            cards.write(card, tmp_path)
            assert cards.read(tmp_path) == card, (name, row)


@pytest.mark.parametrize("content", [b"{", b"method: um\n", b"\xff\xfe", b""])
def test_a_damaged_file_is_a_sentence(tmp_path, content):
    (tmp_path / "run.yaml").write_bytes(content)
    with pytest.raises(UserError, match=r"run\.yaml is damaged or of another version .*; train again"):
        cards.read(tmp_path)
