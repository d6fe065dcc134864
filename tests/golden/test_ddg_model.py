"""DDG-Net against numbers of the released code: graphs, features, losses, gradients. Thresholds are hard, so in float64."""

import pytest
import torch

from tests.golden.consensus import HEAD, UNIT, load, outputs, step_agrees
from tests.golden.models import close, gradients_agree, tensor
from wstal.methods.ddg import DDG, Params, kinds, of_kinds, similar

PARTS = {
    f"Attn.{theirs}.{stream}.{layer}": f"front.{ours}.{stream}.{place}"
    for theirs, ours, layers in (
        ("attentions", "attention", UNIT),
        ("action_graph", "action", {"0": "0", "1": "1"}),
        ("background_graph", "background", {"0": "0", "1": "1"}),
    )
    for stream in "01"
    for layer, place in layers.items()
}
NAMES = {f"{gold}.{kind}": f"network.{ours}.{kind}" for gold, ours in (HEAD | PARTS).items() for kind in ("weight", "bias")}
GRAPHS = {
    "adjacency_action": ("action",), "adjacency_background": ("background",), "adjacency_ambiguous_self": ("itself",),
    "adjacency_ambiguous_action": ("from_action",), "adjacency_ambiguous_background": ("from_background",),
    "adjacency_ambiguous": ("from_action", "from_background", "itself"),
}  # fmt: skip


@pytest.fixture(scope="module")
def gold(golden):
    return golden("ddg_model")


@pytest.fixture
def method(gold, preset):
    """The method with the file's parameters and constants, in eval mode."""
    dim, hidden, classes = gold["dims"].tolist()
    params = preset("ddg", "released")["params"]
    assert params["pairs"] == int(gold["pairs"])
    assert params["similarity"] == float(gold["similarity_threshold"])
    assert params["temperature"] == float(gold["temperature_feat"])
    changed = {"attention_hidden": hidden, "neighbours": int(gold["top_k_rate"])}
    return load(DDG(dim, classes, Params(**(params | changed))).double().eval(), gold, NAMES)


@pytest.fixture
def answer(gold, method):
    """-> scores, averaged loss terms."""
    x = tensor(gold["x"])
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    scores = method(x, mask)
    scores = scores._replace(terms=scores.terms | {"progress": tensor(gold["eval.progress"])})
    return scores, {name: value / len(x) for name, value in method.losses(scores, tensor(gold["y"]), mask).items()}


def total(terms, gold):
    return sum(float(gold[f"eval.weight_{name}"]) * value for name, value in terms.items())


def test_weights(gold, preset):
    assert preset("ddg", "released")["weights"] == {name: float(gold[f"eval.weight_{name}"]) for name in DDG.loss_names}


def test_kinds_and_graphs(gold, method):
    x, first = tensor(gold["x"]), [tensor(gold[f"eval.first_{name}"]) for name in ("v_atn", "f_atn")]
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    action, background = kinds(*first, mask)
    assert (action.numpy() == gold["eval.is_action"]).all() and (background.numpy() == gold["eval.is_background"]).all()
    params = method.params
    graphs = of_kinds(similar(*x.chunk(2, -1), mask, params.similarity, params.neighbours), action, background, mask)
    for name, parts in GRAPHS.items():
        close(sum(graphs[part] for part in parts).transpose(1, 2), gold[f"eval.{name}"])


def test_features_of_the_front_end(gold, method):
    x = tensor(gold["x"])
    attended = method.network.front(*x.chunk(2, -1), torch.ones(x.shape[:2], dtype=torch.bool))
    close(attended.x_v, gold["eval.new_v"])
    close(attended.x_f, gold["eval.new_f"])
    close(attended.terms["first_v"], gold["eval.first_v_atn"])
    close(attended.terms["first_f"], gold["eval.first_f_atn"])


def test_forward(gold, answer):
    for name, value in outputs(answer[0]).items():
        if name != "cas_supp":  # not in the file
            close(value, gold[f"eval.{name}"])


def test_losses(gold, answer):
    terms = answer[1]
    for name, value in {**terms, "total": total(terms, gold)}.items():
        close(value, gold[f"eval.loss_{name}"])


def test_gradients(gold, method, answer):
    gradients_agree(method, total(answer[1], gold), gold, "eval.grad.", NAMES)


def test_one_adam_step(gold, method, answer, preset):
    lr, decay = 5e-5, 1e-3
    step_agrees(method, total(answer[1], gold), gold, "eval", lr, decay, NAMES)
    settings = preset("ddg", "released")  # losses sum over the bags there
    assert settings["optimizer"]["lr"] == lr
    assert settings["optimizer"]["weight_decay"] == pytest.approx(decay * settings["training"]["batch_videos"])


def test_every_array_of_the_file_is_tested(gold):
    known = {
        *(f"eval.{name}" for name in (*GRAPHS, "is_action", "is_background", "new_v", "new_f", "first_v_atn", "first_f_atn"))
    }
    known |= {f"eval.{name}" for name in ("attn", "v_atn", "f_atn", "cas", "feat", "progress", "loss_total")}
    known |= {f"eval.{kind}_{name}" for kind in ("loss", "weight") for name in DDG.loss_names}
    known |= {f"{prefix}.{name}" for prefix in ("param", "eval.grad", "eval.after_adam") for name in NAMES}
    known |= {"dims", "pairs", "similarity_threshold", "temperature_feat", "top_k_rate", "x", "y"}
    assert set(gold) == known
