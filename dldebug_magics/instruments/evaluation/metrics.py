"""Metrics as sums over samples: what each sample adds, and what the sums come to. So they can be streamed, sharded and resampled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import Tensor

from .bootstrap import Value
from .tasks import Task, scores

Rows = Callable[[Any, tuple[Any, ...]], Tensor]  # of the model's output and the targets of N samples: [N, width]
_WRONG = ((0.0, 1.0), (1.0, 1.0))


@dataclasses.dataclass(frozen=True)
class Metric:
    """`rows` gives what each sample adds, `value` the metric of the sums, `prior` the samples that stand for what was not seen.

    by_row: whether the rows of several batches put together are those of each by itself, to the last bit, out of scores and the first
    target alone. What takes a logarithm is not: the last few numbers of an array are rounded in another way than the others.
    """

    name: str
    rows: Rows
    value: Value
    prior: tuple[tuple[float, ...], ...] = ()
    larger_is_better: bool = False
    by_row: bool = False


def of_scores(rows: Callable[[Tensor, Tensor], Tensor]) -> Rows:
    """Rows out of the scores in an output and the first target."""
    return lambda output, targets: rows(scores(output), targets[0])  # type: ignore[arg-type]


def mean(sums: numpy.ndarray) -> numpy.ndarray:
    """Of rows (sum, count)."""
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 0] / sums[..., 1]


def _per_sample(values: Tensor, counted: Tensor | None = None) -> Tensor:
    """Rows (sum, count) out of one value a sample, or many a sample; those that are not counted add nothing."""
    values = values.reshape(len(values), -1).double()
    counted = torch.ones_like(values) if counted is None else counted.reshape(len(values), -1).double()
    return torch.stack([(values * counted).sum(1), counted.sum(1)], dim=1)


def error(task: Task) -> Metric:
    """The share of wrong answers: of classes, of yes and no, of pixels or letters.

    >>> rows = error(Task("classes")).rows(torch.eye(3), (torch.tensor([0, 1, 1]),))
    >>> float(error(Task("classes")).value(rows.sum(0).numpy()))
    0.3333333333333333
    """

    def of_classes(found: Tensor, target: Tensor) -> Tensor:
        wanted = target.argmax(task.axis) if task.soft else target
        return _per_sample((found.argmax(task.axis) != wanted), wanted >= 0)

    def of_flags(found: Tensor, target: Tensor) -> Tensor:
        return _per_sample((found.reshape(target.shape) > task.threshold) != (target > 0.5))

    return Metric("error", of_scores(of_classes if task.kind == "classes" else of_flags), mean, _WRONG, by_row=True)


def top(count: int) -> Callable[[Task], Metric]:
    """The share of samples whose class is not among the `count` with the highest scores."""

    def made(task: Task) -> Metric:
        def rows(found: Tensor, target: Tensor) -> Tensor:
            best = found.topk(min(count, found.shape[task.axis]), dim=task.axis).indices
            return _per_sample(~(best == target.unsqueeze(task.axis)).any(task.axis), target >= 0)

        return Metric(f"top-{count} error", of_scores(rows), mean, _WRONG, by_row=True)

    return made


def rmse(task: Task) -> Metric:
    """The root of the mean squared error, in the unit of the targets."""

    def rows(found: Tensor, target: Tensor) -> Tensor:
        return _per_sample((found.reshape(target.shape).double() - target.double()).square())

    return Metric("rmse", of_scores(rows), lambda sums: numpy.sqrt(mean(sums)))


def mae(task: Task) -> Metric:
    """The mean absolute error, in the unit of the targets."""
    return Metric("mae", of_scores(lambda found, true: _per_sample((found.reshape(true.shape).double() - true.double()).abs())), mean)


def perplexity(task: Task) -> Metric:
    """The exponential of the mean negative log-likelihood of the right classes, per class that was asked for."""

    def rows(found: Tensor, target: Tensor) -> Tensor:
        kept = target >= 0
        chosen = found.double().log_softmax(task.axis).gather(task.axis, target.clamp(min=0).unsqueeze(task.axis)).squeeze(task.axis)
        return _per_sample(-chosen, kept)

    return Metric("perplexity", of_scores(rows), lambda sums: numpy.exp(mean(sums)))
