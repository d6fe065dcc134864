"""Self-training behind any method: its confident detections in training videos are targets of a second network like it.

A row that plugs this in names another row of its entry, the teacher, which is trained first, with the same seed. Of the
teacher's detections in training videos those of labels that a video has are kept, of each class the surest, as many as
`per_video` a video that shows it, wherever they are. Snippets inside are action; snippets that no detection of the video
touches are background; the others, and videos where a label is not found at all, teach nothing. No segment time is anywhere
near: detections come from video-level labels, as everything else does.

The term is the generalized cross-entropy, which bears wrong targets, of actionness, and of the probability of the classes that
a snippet shall show among all classes. wstal/training/teaching.py makes the targets.
"""

from torch import Tensor

from wstal.base.record import Name, Positive
from wstal.base.record import Params as Base
from wstal.methods.base import Scores
from wstal.nn.losses import generalized_cross_entropy
from wstal.nn.masking import real
from wstal.plugins.base import TARGETS, Plugin


class Params(Base):
    """Parameters of self-training."""

    teacher: Name  # the row of the entry whose detections teach
    per_video: Positive  # detections of a class that teach, for each training video that shows it
    q: Positive  # of the generalized cross-entropy, at most 1: the larger, the more wrong targets are borne


class SelfTraining(Plugin[Params]):
    """The loss of a host against the targets that its bags bring along; none where they bring none."""

    def forward(self, scores: Scores, labels: Tensor, mask: Tensor) -> Tensor:
        """Term TARGETS (B, T, C): 1 shows, 0 does not, -1 unknown; mask (B, T) -> scalar, summed over the bags."""
        targets = scores.terms.get(TARGETS)
        if targets is None:
            return scores.actionness.new_zeros(())
        shown = (targets > 0.5).to(scores.actionness.dtype)  # (B, T, C)
        action = real(shown.amax(-1), mask)
        known = real((targets >= 0).all(-1).to(action.dtype), mask).maximum(action)
        probability = (scores.logits[..., : labels.shape[-1]].softmax(-1) * shown).sum(-1)
        found = scores.actionness.clamp(0, 1)
        q = self.params.q
        each = generalized_cross_entropy(found, action, known, q) + generalized_cross_entropy(probability, action, action, q)
        return each.sum()
