"""What the model tests share: fixed dropout, closeness, averaged losses, gradients and parameters by name."""

import torch


class FixedDropout(torch.nn.Module):
    """Dropout with multipliers that the reference drew; several are used one after the other."""

    def __init__(self, *multipliers):
        super().__init__()
        self.multipliers, self.calls = multipliers, 0

    def forward(self, x):
        self.calls += 1
        return x * self.multipliers[(self.calls - 1) % len(self.multipliers)]


def tensor(array):
    return torch.as_tensor(array, dtype=torch.float64)


def close(actual, expected):
    """To 1e-9, the tolerance that the golden arrays were made for."""
    torch.testing.assert_close(actual.detach(), tensor(expected), rtol=1e-9, atol=1e-12)


def load(method, gold, names):
    """Parameters of the reference into ours; names: golden name -> ours."""
    method.load_state_dict({ours: tensor(gold[f"param.{name}"]) for name, ours in names.items()})
    return method


def answer(method, x, labels, mask=None):
    """Scores, and loss terms as the codes mean them: averaged over the bags. Without a mask, every snippet is real."""
    mask = torch.ones(x.shape[:2], dtype=torch.bool) if mask is None else mask
    scores = method(x, mask)
    return scores, {name: value / len(x) for name, value in method.losses(scores, labels, mask).items()}


def agree(values, gold, prefix, names):
    """Values by our name equal every array of the file whose key begins with `prefix`."""
    keys = [key for key in gold if key.startswith(prefix)]
    assert keys
    for key in keys:
        close(values[names[key.removeprefix(prefix)]], gold[key])


def gradients_agree(method, total, gold, prefix, names):
    method.zero_grad()
    total.backward(retain_graph=True)
    agree({name: p.grad for name, p in method.named_parameters()}, gold, prefix, names)


def parameters_agree(method, gold, prefix, names):
    agree(dict(method.named_parameters()), gold, prefix, names)
