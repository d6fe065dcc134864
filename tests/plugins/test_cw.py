"""The CW branch beside any host: its equations by hand, FAC-Net's own term as a known answer, hosts left as they are."""

import msgspec
import numpy as np
import pytest
import torch

from tests.byhand import LABELS, bag, softmax
from wstal import plugins
from wstal.base.conversion import merge
from wstal.base.errors import UserError
from wstal.methods import facnet
from wstal.methods.base import Scores
from wstal.plugins.base import Plugged, width
from wstal.plugins.cw import ClassWise, Params
from wstal.training import experiment
from wstal.training.train import build, fit

CW = {"temperatures": [1.0, 2.0, 5.0], "scale": 10.0, "bound": 5.0}


def term(width, **changes):
    torch.manual_seed(2)
    return ClassWise(width, msgspec.convert(CW | changes, Params)).double()


def scores(logits, embedding):
    return Scores(None, logits, None, None, embedding, {})


@pytest.mark.parametrize("temperatures", [[1.0], [1.0, 2.0, 5.0]])
@pytest.mark.parametrize("background", [0, 1])
def test_equations_written_out(temperatures, background):
    generator = torch.Generator().manual_seed(1)
    logits = 4 * torch.randn(1, 6, 3 + background, generator=generator, dtype=torch.float64)
    x, mask = bag(6, 4)
    branch = term(4, temperatures=temperatures, bound=3.0)
    w_f = branch.foreground[0].detach().numpy()
    s, heads = np.clip(logits[0].numpy(), -3, 3), []
    assert (logits.abs() > 3).any()
    for tau in temperatures:
        f = softmax(tau * s, 0).T @ x[0].numpy()  # (C', H)
        heads.append(f @ w_f / np.linalg.norm(f, axis=1) / np.linalg.norm(w_f))
    p = softmax(10 * np.mean(heads, 0))
    expected = -(np.log(p[0]) + np.log(p[2])) / 2
    assert branch(scores(logits, x), LABELS, mask).item() == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("background", [False, True])
def test_on_facnets_scores_it_is_facnets_own_term(background):
    """With the same W_f: FAC-Net's activation never leaves the bounds, its video-level logits have scale 5 * 2."""
    params = facnet.Params(
        hidden=(8, 6), kernel=1, dropout=0.0, scale=5.0, video_scale=2.0, temperatures=(1.0, 2.0, 5.0),
        background=background, foreground_init="random", video_score="ca",
    )  # fmt: skip
    host = facnet.FACNet(7, 3, params).double()
    branch = term(6)
    branch.foreground.data = host.foreground.data
    x, mask = bag(6, 7)
    mask[0, 4:] = False
    found = host(x, mask)
    own = host.losses(found, LABELS, mask)["cw"]
    torch.testing.assert_close(branch(found, LABELS, mask), own, rtol=1e-9, atol=0)
    gradient = torch.autograd.grad(branch(found, LABELS, mask), host.action, retain_graph=True)[0]
    torch.testing.assert_close(gradient, torch.autograd.grad(own, host.action)[0], rtol=1e-7, atol=1e-12)


def test_beyond_the_bound_nothing_changes():
    x, mask = bag(6, 4)
    logits = torch.tensor([5.0, 9.0, -5.0, -70.0, 0.0, 1.0], dtype=torch.float64)[None, :, None].repeat(1, 1, 3)
    branch = term(4)
    torch.testing.assert_close(
        branch(scores(logits, x), LABELS, mask), branch(scores(logits.clamp(-5, 5), x), LABELS, mask), rtol=0, atol=0
    )


@pytest.fixture
def row(tiny):
    """row(method, **changes): the method's default with CW plugged in, small."""
    plugged = {"plugins": {"cw": CW}, "weights": {"cw": 1.0}}
    return lambda name, **changes: tiny(name, merge(plugged, changes))


@pytest.mark.parametrize("name", ["stpn", "bm", "wtalc", "um", "basnet"])
def test_a_host_answers_as_if_alone(row, name):
    """Scores, first weights and losses of the host are bit for bit those without the plug-in."""
    how, x, mask = row(name), *(part.repeat(2, 1, *[1] * (part.dim() - 2)) for part in bag(6, 12))
    x, labels = x.float(), torch.tensor([[1.0, 0.0, 1.0]]).repeat(2, 1)
    models = []
    for one in (how, msgspec.structs.replace(how, plugins={}, weights={k: v for k, v in how.weights.items() if k != "cw"})):
        torch.manual_seed(0)
        models.append(build(one, 12, 3).eval())
    plugged, alone = models
    assert isinstance(plugged, Plugged) and not isinstance(alone, Plugged)
    assert all(torch.equal(value, plugged.host.state_dict()[key]) for key, value in alone.state_dict().items())
    ours, theirs = plugged(x, mask), alone(x, mask)
    for field in ("activation", "logits", "actionness", "video_score", "embedding"):
        assert torch.equal(getattr(ours, field), getattr(theirs, field)), field
    terms = plugged.losses(ours, labels, mask)
    assert tuple(terms) == (*alone.loss_names, "cw") == plugged.loss_names
    assert all(torch.equal(terms[key], value) for key, value in alone.losses(theirs, labels, mask).items())
    assert plugged.params.bag_groups == alone.params.bag_groups


def test_asking_for_the_width_draws_nothing(row):
    """The start of training stays what the seed makes it, dropout or not."""
    how = row("um")
    host = build(msgspec.structs.replace(how, plugins={}, weights=dict.fromkeys(("cls", "be", "um"), 1.0)), 12, 3)
    before = torch.get_rng_state()
    assert width(host) == how.params.hidden and host.training
    assert torch.equal(torch.get_rng_state(), before)


def test_it_trains_the_host(tiny_runs, row):
    """One run of the loop: with a weight the term moves the host's classifier elsewhere, with none it does not."""
    run = tiny_runs({"base": {}}, "stpn")[0]
    train, _ = experiment.bags(run, "flow")
    short = {"params": {"hidden": [8, 8]}, "training": {"epochs": 2}}
    states = [fit(row("stpn", **short, weights={"cw": weight}), train, 0, lambda *told: None) for weight in (0.0, 1.0)]
    (still, history, _), (moved, _, _) = states
    assert history.shape[1] == len(still.loss_names) == 3
    assert not torch.equal(still.host.classify.weight, moved.host.classify.weight)
    torch.manual_seed(0)
    start = build(row("stpn", **short), train.dim, train.labels.shape[1])
    assert torch.equal(still.plugins["cw"].foreground, start.plugins["cw"].foreground)
    assert not torch.equal(moved.plugins["cw"].foreground, start.plugins["cw"].foreground)


def test_weights_of_a_row_depend_on_its_plugins(tiny_runs):
    rows = {"alone": {}, "plugged": {"plugins": {"cw": CW}, "weights": {"cw": 1.0}}}
    alone, plugged = tiny_runs(rows, "bm", seeds=(0,))
    assert (alone.settings.loss_names, plugged.settings.loss_names[-1]) == (("fg", "bg", "guide", "cluster"), "cw")
    assert experiment.cached(alone, "rgb").name != experiment.cached(plugged, "rgb").name
    code = {path.name for path in experiment.code_files(plugged.settings)}
    assert "cw.py" in code and "cw.py" not in {path.name for path in experiment.code_files(alone.settings)}


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("stpn", {"plugins": {"cv": {}}, "weights": {"cv": 1.0}}, "cv"),
        ("stpn", {"plugins": {"cw": {"tau": 3}}}, "tau"),
        ("stpn", {"plugins": {"cw": {"temperatures": []}}}, "temperatures"),
        ("stpn", {"weights": {"cws": 1.0}}, "cls, sparse, cw"),
        ("facnet", {}, "by itself"),
    ],
)
def test_what_does_not_fit_is_one_sentence(row, name, changes, says):
    with pytest.raises(UserError) as caught:
        row(name, **changes)
    text = str(caught.value)
    assert says in text and "params.yaml" in text and "\n" not in text


def test_the_folder_is_the_registry():
    assert plugins.names() == ["cw", "self_training"] and plugins.load("cw") is ClassWise
