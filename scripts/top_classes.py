"""The five likeliest classes of videos.

python scripts/top_classes.py VIDEO... [--labels FILE] [--backbone i3d_rgb] [--snippets N]

What a network that was trained on Kinetics-400 says of a video that one can watch shows whether decoding, pixels and weights
fit together. Snippets follow one another without overlap; probabilities are the softmax of the mean of their scores. Without
`--labels`, a text file with the name of a class on each line, classes are numbers, from 0.
"""

import argparse
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from wstal.base import seeding
from wstal.base.errors import UserError, of_system
from wstal.base.extraction import Speed
from wstal.base.timegrid import TimeGrid
from wstal.features.backbones import registry, weights
from wstal.features.backbones.checkpoint import restore
from wstal.features.backbones.embed import embedder
from wstal.features.backbones.registry import Backbone
from wstal.features.pixels.decode import Footage
from wstal.features.pixels.motion import flow_images
from wstal.features.pixels.snippets import centre_crop, snippets

SPEED = Speed(precision="float32", channels_last=True, fold=True, compile=False)
SHOWN = 5


def scorer(backbone: Backbone, file: Path) -> tuple[Callable[[Tensor], Tensor], int]:
    """(clips (N, C, T, H, W) -> scores (N, classes), number of classes), with the weights of `file`."""
    network = restore(backbone, file)
    embed = embedder(backbone, network, SPEED, seeding.device())
    head = network.get_submodule("head")
    return lambda clips: head(embed(clips)), head.get_parameter("bias").numel()


def top(video: Path, backbone: Backbone, score: Callable[[Tensor], Tensor], count: int | None) -> list[tuple[int, float]]:
    """(class, probability) of the likeliest, best first, from the first `count` snippets of a video, or from all.

    `score` maps clips (N, C, T, H, W) to scores (N, classes).
    """
    prepare = flow_images if backbone.stream == "flow" else iter
    frames = centre_crop(prepare(Footage(video).frames(backbone.fps, backbone.short_side)), backbone.size)
    grid = TimeGrid(fps=backbone.fps, stride_f=backbone.window_f, window_f=backbone.window_f)
    seen = (torch.as_tensor(clip[list(backbone.offsets)]) for clip in islice(snippets(frames, grid), count))
    scores = [score(clip.permute(3, 0, 1, 2)[None])[0] for clip in seen]
    values, places = torch.stack(scores).mean(0).softmax(0).topk(SHOWN)
    return list(zip(places.tolist(), values.tolist(), strict=True))


def read_names(path: Path | None, classes: int) -> list[str]:
    """The lines of a file, one for each class; numbers without a file.

    Raises:
        UserError: the file cannot be read, or has another number of lines.
    """
    if path is None:
        return [str(number) for number in range(classes)]
    try:
        names = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise of_system(error, path) or UserError(
            f"{path} cannot be read; give a text file with the name of a class on each line."
        ) from None
    if len(names) != classes:
        raise UserError(f"{path} has {len(names)} lines, the network {classes} classes; give the names that it was trained on.")
    return names


def main() -> None:
    """Print the likeliest classes of each video on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    parser.add_argument("--labels", type=Path, metavar="FILE")
    parser.add_argument("--backbone", default="i3d_rgb")
    parser.add_argument("--snippets", type=int, metavar="N", help="the first N of each video instead of all")
    chosen = parser.parse_args()
    backbone = registry.load(chosen.backbone)
    score, classes = scorer(backbone, weights.fetch(backbone))
    names = read_names(chosen.labels, classes)
    for video in chosen.videos:
        print(video.name)
        for place, probability in top(video, backbone, score, chosen.snippets):
            print(f"  {probability:.5f} {names[place]}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
