"""What BaS-Net and LGBM-Net have in common: two branches of one network, background suppressed in front of the second."""

import pytest
import torch

from tests.byhand import LABELS, bag
from wstal.training.train import build

FILTERS = {"basnet": "filter", "lgbm": "attention"}  # its last layer says what is foreground


@pytest.fixture(params=FILTERS)
def make(request, tiny):
    """make(**params) -> an untrained method in eval mode, float64, seeded."""

    def make(**params):
        torch.manual_seed(1)
        return build(tiny(request.param, {"params": params}), 5, 3).double().eval()

    return make


def opened(model):
    """The model with a filter that lets everything through."""
    last = next(getattr(model, name) for name in FILTERS.values() if hasattr(model, name))[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, 50.0)
    return model


def test_an_open_filter_makes_the_branches_equal(make):
    scores = opened(make())(*bag())
    torch.testing.assert_close(scores.terms["cas_supp"], scores.terms["cas_base"])
    assert scores.actionness.min() > 1 - 1e-12


def test_dropout_differs_between_the_branches(make):
    scores = opened(make(dropout=0.5)).train()(*bag())
    assert not torch.allclose(scores.terms["cas_supp"], scores.terms["cas_base"])


def test_background_belongs_to_the_base_branch(make):
    model, (x, mask) = make(classification="cross_entropy"), bag()
    scores = model(x, mask)
    terms = model.losses(scores, LABELS, mask)
    base, supp = scores.terms["base"][0], scores.terms["supp"][0]
    torch.testing.assert_close(terms["base"], -(base[0] + base[2] + base[3]) / 3)
    torch.testing.assert_close(terms["supp"], -(supp[0] + supp[2]) / 2)
    torch.testing.assert_close(terms["norm"], scores.actionness.sum())


def test_padding_is_not_part_of_the_norm(make):
    model, (x, mask) = make(), bag(5, padded=4)
    terms = model.losses(model(x, mask), LABELS, mask)
    torch.testing.assert_close(terms["norm"], model(x[:, :5], mask[:, :5]).actionness.sum())
