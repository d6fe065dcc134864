"""Weights x bags -> scores, video by video over its full length."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.data.bags import Bags
from wstal.data.store import ArrayStore
from wstal.methods.base import Method, Scores


def forward(model: Method, bags: Bags) -> Iterator[tuple[str, Scores]]:
    """(video, its scores as a batch of one) for each video of `bags`, without gradients."""
    place = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        for i, video in enumerate(bags.videos):
            x = torch.from_numpy(bags.features(i))[None].to(place)
            yield video, model(x, torch.ones(x.shape[:2], dtype=torch.bool, device=place))


def predict(model: Method, bags: Bags) -> dict[str, VideoScores]:
    """What localization needs: {video: VideoScores}, in float64."""
    return {
        video: VideoScores(
            activation=numpy(scores.activation),
            video_score=numpy(scores.video_score),
            actionness=numpy(scores.actionness),
            logits=numpy(scores.logits[..., : scores.video_score.shape[-1]]),
        )
        for video, scores in forward(model, bags)
    }


def unlabelled(arrays: Mapping[str, Mapping[str, np.ndarray]], streams: Sequence[str], grid: TimeGrid) -> Bags:
    """Videos {id: {stream: (T, D)}} of which no label is known, as bags of `streams` on one grid."""
    labels = np.zeros((len(arrays), 0), dtype=np.float32)
    return Bags(ArrayStore(arrays, dict.fromkeys(streams, grid)), streams, tuple(arrays), labels)


def numpy(batch: torch.Tensor) -> np.ndarray:
    """The only bag of a batch (1, ...) as float64, (...)."""
    return batch[0].double().cpu().numpy()
