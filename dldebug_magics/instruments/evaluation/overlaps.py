"""Metrics of what was found and what should have been: F1 and intersection over union, from counts of each class."""

from __future__ import annotations

import numpy
import torch
from torch import Tensor
from torch.nn import functional

from .metrics import Metric, Rows, of_scores
from .tasks import Task


def f1(task: Task) -> Metric:
    """F1: of the "yes" where one is asked for (the mean over labels where there are several), the mean over classes else.

    >>> metric = f1(Task("flags"))
    >>> rows = metric.rows(torch.tensor([2.0, 1.0, -1.0, -1.0]), (torch.tensor([1.0, 0.0, 1.0, 0.0]),))
    >>> float(metric.value(rows.sum(0).numpy()))
    0.5
    """
    return Metric("f1", _counting(task), lambda sums: _mean_of_seen(sums, 2), larger_is_better=True, by_row=True)


def iou(task: Task) -> Metric:
    """Intersection over union, the mean over the classes that occur."""
    return Metric("iou", _counting(task), lambda sums: _mean_of_seen(sums, 1), larger_is_better=True, by_row=True)


def _counting(task: Task) -> Rows:
    """Rows of (hits, false alarms, misses), each of all classes."""

    def rows(scores: Tensor, target: Tensor) -> Tensor:
        said, true = _marked(task, scores, target)
        return torch.cat([(said & true).sum(1), (said & ~true).sum(1), (~said & true).sum(1)], dim=1).double()

    return of_scores(rows)


def _marked(task: Task, scores: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """What was said and what is true, as [samples, places, classes]; places without a class are left out of both."""
    if task.kind == "flags":
        said, true = scores.reshape(target.shape) > task.threshold, target > 0.5
        labels = target.shape[1] if target.ndim == 2 else 1
        return said.reshape(len(said), -1, labels), true.reshape(len(true), -1, labels)
    count = scores.shape[task.axis]
    wanted = target.argmax(task.axis) if task.soft else target
    kept = (wanted >= 0).reshape(len(wanted), -1, 1)
    hot = [functional.one_hot(labels.clamp(min=0).reshape(len(labels), -1), count).bool() for labels in (scores.argmax(task.axis), wanted)]
    return hot[0] & kept, hot[1] & kept


def _mean_of_seen(sums: numpy.ndarray, weight: int) -> numpy.ndarray:
    """The mean, over the classes that were said or are true, of hits to all; a hit counts `weight` times on both sides."""
    hit, false, missed = numpy.split(sums, 3, axis=-1)
    below = weight * hit + false + missed
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return numpy.nanmean(numpy.where(below > 0, weight * hit / below, numpy.nan), axis=-1)
