"""AICL against numbers of the released code: forward, sets, losses, gradients of each term, one Adam step."""

import pytest
import torch

from tests.golden.models import agree, answer, close, gradients_agree, load, parameters_agree, tensor
from wstal.methods.aicl import AICL, Params
from wstal.nn.contrast import contrast
from wstal.nn.pooling import median

MODULES = {
    "base_module.0": "embed", "cls.0": "classify", "action_module_rgb.0": "embed_rgb", "cls_rgb": "attend_rgb",
    "action_module_flow.0": "embed_flow", "cls_flow": "attend_flow",
}  # fmt: skip
NAMES = {f"actionness_module.{gold}.{kind}": f"{ours}.{kind}" for gold, ours in MODULES.items() for kind in ("weight", "bias")}
SETS = {"CA": "action", "CB": "background", "IA": "high", "IB": "low"}
QUERIES = {"IA": ("CA", "CB"), "IB": ("CB", "CA"), "CA": ("IA", "CB"), "CB": ("IB", "CA")}


@pytest.fixture(scope="module")
def gold(golden):
    return golden("aicl_model")


@pytest.fixture(scope="module")
def weights(preset):
    return preset("aicl", "released")["weights"]


@pytest.fixture
def method(gold, preset):
    dim, hidden, classes = gold["dims"].tolist()
    params = preset("aicl", "released")["params"] | {"hidden": hidden}
    constants = {"top": "top", "set_ratio": "r_consistent", "q": "q", "temperature": "temperature"}
    assert all(params[ours] == gold[name] for ours, name in constants.items())
    assert gold["r_consistent"] == gold["r_inconsistent"]
    return load(AICL(dim, classes, Params(**params)).double().eval(), gold, NAMES)


@pytest.fixture
def found(gold, method):
    """Scores, averaged loss terms."""
    return answer(method, tensor(gold["x"]), tensor(gold["y"]))


def total(terms, weights):
    return sum(weights[name] * value for name, value in terms.items())


def test_weights(gold, weights):
    assert weights == {name: float(gold[f"weight.{name}"]) for name in AICL.loss_names}


def test_forward(gold, found):
    scores, _ = found
    terms = scores.terms
    values = {
        "embedding": scores.embedding, "embedding_rgb": terms["rgb"], "embedding_flow": terms["flow"], "cas": scores.logits,
        "action_rgb": terms["a_rgb"], "action_flow": terms["a_flow"], "actionness2": scores.actionness,
        "actionness1": scores.logits.sum(-1).sigmoid(), "combined": scores.activation, "chosen": terms["chosen"],
        "cas_top": terms["score"], "video_score": scores.video_score,
        "pseudo": (terms["chosen"] * tensor(gold["y"])[:, None]).amax(-1),
    }  # fmt: skip
    for name, value in values.items():
        close(value, gold[f"eval.{name}"])


def test_medians(gold):
    for k in (1, 2):
        a = tensor(gold[f"eval.actionness{k}"])
        close((a > median(a, torch.ones_like(a, dtype=torch.bool))).double(), gold[f"eval.binary{k}"])


def test_sets_and_their_contrasts(gold, method, found):
    scores, _ = found
    mask = torch.ones(scores.actionness.shape, dtype=torch.bool)
    aware = scores.logits.sum(-1).sigmoid()
    sets = method.sets(aware, scores.actionness, mask)
    embeddings = {"joint": scores.embedding, "rgb": scores.terms["rgb"], "flow": scores.terms["flow"]}
    for kind, e in embeddings.items():
        for name, ours in SETS.items():
            chosen = getattr(sets, ours)
            for i in range(len(e)):
                order = aware[i][chosen[i]].argsort(descending=name[1] == "A")
                close(e[i][chosen[i]][order], gold[f"eval.{kind}.{name}"][i])
        for query, others in QUERIES.items():
            each = [getattr(sets, SETS[name]) for name in (query, *others)]
            close(contrast(e, *each, method.params.temperature).mean(), gold[f"eval.nce_{kind}.{query}"])


def test_losses(gold, found, weights):
    _, terms = found
    for name, value in {**terms, "total": total(terms, weights)}.items():
        close(value, gold[f"eval.loss_{name}"])


def test_gradients(gold, method, found, weights):
    gradients_agree(method, total(found[1], weights), gold, "eval.grad.", NAMES)


@pytest.mark.parametrize("name", AICL.loss_names)
def test_gradients_of_each_term(gold, method, found, name):
    method.zero_grad()
    found[1][name].backward()
    values = {ours: torch.zeros_like(p) if p.grad is None else p.grad for ours, p in method.named_parameters()}
    agree(values, gold, f"eval.grad_{name}.", NAMES)


def test_one_adam_step(gold, method, found, weights, preset):
    total(found[1], weights).backward()
    settings = preset("aicl", "released")  # losses sum over the bags there
    decay = settings["optimizer"]["weight_decay"] / settings["training"]["batch_videos"]
    assert decay == pytest.approx(5e-4)
    torch.optim.Adam(method.parameters(), lr=settings["optimizer"]["lr"], weight_decay=decay).step()
    parameters_agree(method, gold, "eval.after_adam.", NAMES)
