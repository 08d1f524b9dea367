"""The user's own loss as a metric: of each sample where it can be had, else of each batch."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...engine.call import loss_from
from ...engine.subject import Subject
from .metrics import Metric, mean


def loss_metric(subject: Subject, output: Any, targets: tuple[Any, ...]) -> Metric:
    """The mean loss. What it is made of is found on one batch: the loss without its reduction, if that has the same mean.

    A loss that is no mean over samples is taken batch by batch, each weighted by its samples; its interval then comes from whole batches.
    """
    single = _unreduced(subject.loss_fn)
    if single is not None and _has_the_mean(single, subject, output, targets):
        return Metric("loss", lambda found, wanted: _rows(single(found, *wanted)), mean)
    alone = Subject(torch.nn.Identity(), subject.loss_fn, names=subject.names)  # the metric outlives the split, and may go to a worker
    return Metric("loss", lambda found, wanted: _one_row(alone, found, wanted), mean)


def _unreduced(loss_fn: Callable[..., Any] | None) -> Callable[..., Tensor] | None:
    """The loss that gives a number for each sample; None where there is no such way to call it."""
    if isinstance(loss_fn, torch.nn.Module) and getattr(loss_fn, "reduction", None) == "mean":
        single = copy.copy(loss_fn)
        single.reduction = "none"  # type: ignore[assignment]
        return single
    if inspect.isfunction(loss_fn) and loss_fn.__module__ == "torch.nn.functional" and "reduction" in inspect.signature(loss_fn).parameters:
        return lambda output, *targets: loss_fn(output, *targets, reduction="none")
    return None


def _has_the_mean(single: Callable[..., Tensor], subject: Subject, output: Any, targets: tuple[Any, ...]) -> bool:
    whole, rows = float(loss_from(subject, output, targets)), _rows(single(output, *targets))
    return bool(torch.isclose(rows[:, 0].sum() / rows[:, 1].sum(), torch.tensor(whole, dtype=torch.float64), rtol=1e-4))


def _rows(values: Tensor) -> Tensor:
    values = values.reshape(len(values), -1).double()
    return torch.stack([values.mean(1), torch.ones(len(values), dtype=torch.float64, device=values.device)], dim=1)


def _one_row(subject: Subject, output: Any, targets: tuple[Any, ...]) -> Tensor:
    count = len(targets[0]) if targets and isinstance(targets[0], Tensor) and targets[0].ndim else 1
    return torch.tensor([[float(loss_from(subject, output, targets)) * count, float(count)]], dtype=torch.float64)
