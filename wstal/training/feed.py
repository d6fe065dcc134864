"""What the next steps of a network see, on the device: features, and which of their rows make each batch."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from wstal.data.bags import Bags, Batch, Drawn

CHUNK = 64  # steps that are sent to the device at once, at most
STREAMED = 2**29  # bytes of features sent at once, where they do not all stay on the device


def resident(bags: Bags, device: torch.device) -> Tensor | None:
    """Features of all bags one behind the other, (sum of T, D) as they are stored; None if they fill half the free memory."""
    rows, dtype = int(bags.lengths.sum()), bags.arrays[0].dtype
    if device.type == "cuda" and rows * bags.width * dtype.itemsize > torch.cuda.mem_get_info(device)[0] / 2:
        return None
    table = torch.empty(rows, bags.width, dtype=dtype, device=device)
    start = 0
    for i, length in enumerate(bags.lengths.tolist()):
        table[start : start + length] = bags.rows(i, np.arange(length))
        start += length
    return table


class Feed:
    """Batches of a chunk of steps, made on the device from numbers of rows.

    Its tensors keep their place, as CUDA graphs read them: `fill` writes the next chunk over the last.
    """

    def __init__(self, bags: Bags, videos: int, longest: int, table: Tensor | None, device: torch.device):
        """Batches of so many videos, of at most `longest` snippets each.

        table: features (sum of T, D) of all bags on the device; without it, those of a chunk are sent along.
        """
        self.bags, self.streamed, self.chunk = bags, table is None, CHUNK
        if table is None:
            dtype, step = bags.arrays[0].dtype, videos * longest
            self.chunk = max(1, min(CHUNK, STREAMED // (step * bags.width * dtype.itemsize)))
            table = torch.zeros(self.chunk * step, bags.width, dtype=dtype, device=device)
        self.table, self.starts = table, bags.lengths.cumsum() - bags.lengths  # first row of each video in the table
        self.rows = torch.zeros(self.chunk, videos, longest, dtype=torch.int32, device=device)  # -1 in the padding
        self.index = torch.zeros(self.chunk, videos, dtype=torch.int64, device=device)
        self.labels = bags.labels.to(device)
        self.next = torch.zeros(1, dtype=torch.int64, device=device)  # place of the next step in the chunk

    def fill(self, chunk: Sequence[Drawn]) -> None:
        """Make these steps, at most `self.chunk`, the next ones."""
        rows = np.full((len(chunk), *self.rows.shape[1:]), -1, dtype=np.int32)
        features, sent = [], 0
        for target, drawn in zip(rows, chunk, strict=True):
            for bag, i, snippets in zip(target, drawn.videos, drawn.snippets, strict=True):
                if self.streamed:
                    features.append(self.bags.rows(i, snippets))
                    bag[: len(snippets)] = np.arange(sent, sent + len(snippets))
                    sent += len(snippets)
                else:
                    bag[: len(snippets)] = snippets + self.starts[i]
        if self.streamed:
            send(torch.cat(features), self.table)
        send(torch.from_numpy(rows), self.rows)
        send(torch.from_numpy(np.stack([drawn.videos for drawn in chunk])), self.index)
        self.next.zero_()

    def batch(self, length: int) -> Batch:
        """The next step's bags, padded to `length` snippets of any video; features keep the type that they are stored in."""
        rows = self.rows.index_select(0, self.next)[0, :, :length]
        mask = rows >= 0
        x = self.table.index_select(0, rows.clamp_min(0).flatten()).view(*rows.shape, -1)
        labels = self.labels.index_select(0, self.index.index_select(0, self.next)[0])
        self.next += 1
        return Batch(x, mask, labels)


def send(values: Tensor, target: Tensor) -> None:
    """Write values (K, ...) into the first places of a tensor (N, ...), without waiting."""
    pinned = values.pin_memory() if target.device.type == "cuda" else values
    target[: len(values)].copy_(pinned, non_blocking=True)
