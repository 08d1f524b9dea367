"""How well scores rank: the area under the receiver operating characteristic, from what a rank needs of each sample and no more."""

from __future__ import annotations

import functools

import numpy
import torch
from torch import Tensor

from .kept import Whole
from .tasks import Task

_FEW = 2**15  # classes that a small whole number can tell apart


def auroc(task: Task) -> Whole:
    """The area under the receiver operating characteristic: one against the rest, the mean over classes or labels; unknown where one of
    them is never seen, or always.

    A rank is no sum over samples: kept are float32 scores and a label of each (of two classes the difference of their scores), 6 bytes a
    sample for two classes, and 4 more for each further one. Source: J. Hanley, B. McNeil, "The Meaning and Use of the Area under a ROC
    Curve" (1982); D. Hand, R. Till (2001) for the mean over classes.

    >>> auroc(Task("flags")).value(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([False, False, True, True]))
    0.75
    """

    return Whole("auroc", _value, larger_is_better=True, keeps=functools.partial(_keeps, task))


def _keeps(task: Task, found: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if task.kind == "flags":
        return found.reshape(target.shape).float(), target > 0.5
    wanted, scores = target.argmax(task.axis) if task.soft else target, found.movedim(task.axis, -1).float()
    two = scores[..., 1] - scores[..., 0] if scores.shape[-1] == 2 else scores
    return two, wanted.to(torch.int16 if scores.shape[-1] < _FEW else torch.int32)


def _value(scores: Tensor, wanted: Tensor) -> float:
    if wanted.dtype is torch.bool:
        labels = wanted.shape[1] if wanted.ndim == 2 else 1
        pairs = zip(scores.reshape(-1, labels).T.numpy(), wanted.reshape(-1, labels).T.numpy(), strict=True)
        return float(numpy.mean([area(one, yes) for one, yes in pairs]))
    counted = wanted.reshape(-1) >= 0
    labels_of = wanted.reshape(-1)[counted].numpy()
    if scores.shape == wanted.shape:
        return area(scores.reshape(-1)[counted].numpy(), labels_of == 1)
    shares = scores.reshape(-1, scores.shape[-1])[counted].double().softmax(1).numpy()
    return float(numpy.mean([area(shares[:, label], labels_of == label) for label in range(shares.shape[1])]))


def area(scores: numpy.ndarray, yes: numpy.ndarray) -> float:
    """How often a "yes" has a higher score than a "no", ties by half; no number where either is missing. [N] each.

    >>> area(numpy.array([0.2, 0.2, 0.9]), numpy.array([True, False, True]))
    0.75
    """
    _, which, counts = numpy.unique(scores, return_inverse=True, return_counts=True)
    ranks = (numpy.cumsum(counts) - (counts - 1) / 2)[which]
    there, others = int(yes.sum()), int((~yes).sum())
    return float((ranks[yes].sum() - there * (there + 1) / 2) / (there * others)) if there and others else float("nan")
