"""Real snippets as rows, and back; an embedding that sees them alone."""

import torch

from wstal.nn.embedding import Embedding
from wstal.nn.packing import packed, unpacked

MASK = torch.tensor([[True, True, False], [True, False, False]])


def test_rows_are_the_real_snippets_in_order_and_padding_is_zero():
    x = torch.arange(1.0, 7.0).view(2, 3, 1)
    rows = packed(x, MASK)
    assert rows.tolist() == [[1], [2], [4]]
    assert unpacked(rows, MASK)[..., 0].tolist() == [[1, 2, 0], [4, 0, 0]]


def test_an_embedding_gives_real_snippets_what_its_layers_give_and_learns_from_them_alone():
    torch.manual_seed(0)
    embed, x = Embedding(4, (6, 5), 1, 0.5).double().eval(), torch.randn(2, 3, 4).double()
    plain, ours = embed.through(x, MASK), embed(x, MASK)
    torch.testing.assert_close(ours[MASK], plain[MASK])
    assert not ours[~MASK].any()
    theirs, own = (torch.autograd.grad(out[MASK].sin().sum(), list(embed.parameters())) for out in (plain, ours))
    torch.testing.assert_close(own, theirs)
