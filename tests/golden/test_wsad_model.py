"""WSAD against numbers of the released code: forward, both losses, distances, gradients, over bags of different lengths."""

import re

import pytest
import torch

from tests.golden.models import FixedDropout, answer, close, gradients_agree, load, tensor
from wstal.methods.wsad import WSAD, Params, block_lengths
from wstal.nn.pooling import topk_mean

NAMES = {"fc.w": "embed.weight", "fc.b": "embed.bias", "cls.w": "classify.weight", "cls.b": "classify.bias"}
VARIANTS = ["eval", "drop"]
GRADIENTS = [("drop", "total_code")] + [
    ("eval", loss) for loss in ("bbce_half", "metric_triplet", "metric_contrastive", "total_code")
]


@pytest.fixture(scope="module")
def gold(golden):
    return golden("wsad_model")


def run(gold, variant, metric="triplet"):
    """-> method, scores, averaged loss terms as the paper means them, mask."""
    x, labels = tensor(gold["x"]), tensor(gold["y"])
    params = Params(
        hidden=gold["param.fc.b"].size, dropout=0.7, clip=float(gold["clip"]), block=int(gold["block_size"]),
        k=int(gold["k"]), classification="balanced_bce", metric=metric, distance="class_weight",
        margin=float(gold[f"{variant}.alpha"]), groups=int(gold["num_groups"]), group_size=int(gold["group_size"]),
        score="logit",
    )  # fmt: skip
    method = load(WSAD(x.shape[2], labels.shape[1], params).double().eval(), gold, NAMES)
    if variant == "drop":
        method.drop = FixedDropout(tensor(gold["drop"]))
    mask = torch.arange(x.shape[1]) < torch.as_tensor(gold["T"])[:, None]
    return method, *answer(method, x, labels, mask), mask


def total(terms, preset):
    """The code halves the classification loss, and both halves count the same."""
    released = 0.5 * (0.5 * terms["classification"]) + 0.5 * terms["metric"]
    return released if preset == "code" else terms["classification"] + terms["metric"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward(gold, variant):
    _, scores, _, mask = run(gold, variant)
    close(scores.activation, gold[f"{variant}.logits"])
    close(scores.terms["p"], gold[f"{variant}.video_prob"])
    count = (block_lengths(mask, int(gold["block_size"])) > 0).sum(-1)
    assert count.tolist() == gold[f"{variant}.n_blocks"].tolist()


def test_video_scores_of_the_released_test_loop(gold):
    """Softmax of the mean of the ceil(T / l_w) highest logits, of which the code reports a classification mAP."""
    _, scores, _, mask = run(gold, "eval")
    k = -(-mask.sum(-1) // int(gold["block_size"]))
    close(topk_mean(scores.activation.mT, mask, k, int(k.max())).softmax(-1), gold["eval.test_video_softmax"])


def test_embedding(gold):
    _, scores, _, _ = run(gold, "eval")
    close(scores.embedding[0], gold["eval.feat_video0"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_distances(gold, variant):
    method, scores, _, mask = run(gold, variant)
    group, label = torch.as_tensor(gold[f"{variant}.group_class"]).T
    for name, value in zip(("d_pos", "d_neg"), method.distances(scores, mask), strict=True):
        close(value[group, label], gold[f"{variant}.{name}"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses(gold, variant):
    _, _, terms, _ = run(gold, variant)
    close(terms["classification"] / 2, gold[f"{variant}.bbce_half"])
    close(terms["metric"], gold[f"{variant}.metric_triplet"])
    close(total(terms, "code"), gold[f"{variant}.total_code"])
    close(total(terms, "paper"), gold[f"{variant}.total_paper"])
    close(run(gold, variant, "contrastive")[2]["metric"], gold[f"{variant}.metric_contrastive"])


@pytest.mark.parametrize(("variant", "loss"), GRADIENTS)
def test_gradients(gold, variant, loss):
    method, _, terms, _ = run(gold, variant, "contrastive" if loss.endswith("contrastive") else "triplet")
    values = {"bbce_half": terms["classification"] / 2, "total_code": total(terms, "code")}
    gradients_agree(method, values.get(loss, terms["metric"]), gold, f"{variant}.grad.{loss}.", NAMES)


def test_every_variant_of_the_file_is_tested(gold):
    found = {m.groups() for key in gold if (m := re.match(r"(\w+)\.grad\.(\w+)\.", key))}
    assert found == set(GRADIENTS)


def test_params_weigh_as_the_code_and_the_paper(gold, preset):
    """The weights of both presets of params.yaml make the golden totals."""
    _, _, terms, _ = run(gold, "eval")
    for name, key in (("released", "total_code"), ("paper", "total_paper")):
        weights = preset("wsad", name)["weights"]
        close(sum(weights[term] * value for term, value in terms.items()), gold[f"eval.{key}"])
