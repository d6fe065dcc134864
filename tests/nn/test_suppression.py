"""Targets of the base and the suppressed branch, and their score."""

import torch

from wstal.nn.suppression import log_score, losses


def test_background_is_a_class_of_the_base_branch_alone():
    log_p = torch.tensor([[0.5, 0.2, 0.3]], dtype=torch.float64).log()
    mask = torch.tensor([[True, True, False]])
    terms = {"base": log_p, "supp": log_p, "weight": torch.tensor([[0.25, 0.5, 9.0]], dtype=torch.float64)}
    found = losses("cross_entropy", terms, torch.tensor([[1.0, 0.0]], dtype=torch.float64), mask)
    torch.testing.assert_close(found["base"], -(log_p[0, 0] + log_p[0, 2]) / 2)
    torch.testing.assert_close(found["supp"], -log_p[0, 0])
    assert found["norm"] == 0.75


def test_score_is_the_softmax_of_the_highest_snippets():
    cas = torch.tensor([[[1.0, 0.0], [3.0, 2.0], [2.0, 4.0], [0.0, 1.0], [9.0, 9.0]]], dtype=torch.float64)
    mask = torch.tensor([[True, True, True, True, False]])
    torch.testing.assert_close(log_score(cas, mask, 2), torch.tensor([[2.5, 3.0]], dtype=torch.float64).log_softmax(-1))
