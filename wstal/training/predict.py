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
    for i, video in enumerate(bags.videos):
        yield video, of_video(model, bags, i)


def of_video(model: Method, bags: Bags, i: int) -> Scores:
    """Scores of video i as a batch of one, without gradients."""
    place = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        x = torch.from_numpy(bags.features(i))[None].to(place)
        return model(x, torch.ones(x.shape[:2], dtype=torch.bool, device=place))


class Predictions(Mapping[str, VideoScores]):
    """What localization needs of each video, in float64, predicted when it is asked for and not kept: memory is one video's."""

    def __init__(self, model: Method, bags: Bags):
        self.model, self.bags, self.places = model, bags, {video: i for i, video in enumerate(bags.videos)}

    def __getitem__(self, video: str) -> VideoScores:
        scores = of_video(self.model, self.bags, self.places[video])
        return VideoScores(
            activation=numpy(scores.activation),
            video_score=numpy(scores.video_score),
            actionness=numpy(scores.actionness),
            logits=numpy(scores.logits[..., : scores.video_score.shape[-1]]),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, video: object) -> bool:
        return video in self.places


def predict(model: Method, bags: Bags) -> Predictions:
    """What a network says of each video of `bags`."""
    return Predictions(model, bags)


def unlabelled(arrays: Mapping[str, Mapping[str, np.ndarray]], streams: Sequence[str], grid: TimeGrid) -> Bags:
    """Videos {id: {stream: (T, D)}} of which no label is known, as bags of `streams` on one grid."""
    labels = np.zeros((len(arrays), 0), dtype=np.float32)
    return Bags(ArrayStore(arrays, dict.fromkeys(streams, grid)), streams, tuple(arrays), labels)


def numpy(batch: torch.Tensor) -> np.ndarray:
    """The only bag of a batch (1, ...) as float64, (...)."""
    return batch[0].double().cpu().numpy()
