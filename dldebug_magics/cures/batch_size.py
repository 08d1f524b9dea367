"""The same program with another number of samples in its batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.nested import mapped, tensors
from ..engine.paper import on
from ..engine.subject import Subject


def samples_in(batch: Any) -> int | None:
    """How many samples a batch holds, where its tensors agree on it: all by their first axis, else by that of the last one, the targets.

    >>> samples_in((torch.zeros(7, 32, 5), torch.zeros(32))), samples_in((torch.zeros(32, 5), torch.zeros(32)))
    (32, 32)
    """
    found = [t for t in tensors(batch) if t.ndim]
    return found[-1].shape[0] if found and all(found[-1].shape[0] in t.shape for t in found) else None


def resized(batch: Any, count: int) -> Any:
    """The batch with `count` samples, its own ones again and again where it has fewer.

    >>> [t.shape for t in resized((torch.zeros(4, 3), torch.zeros(4)), 9)]
    [torch.Size([9, 3]), torch.Size([9])]
    """
    samples = samples_in(batch)

    def change(tensor: Tensor) -> Tensor:
        if samples is None or samples not in tensor.shape:
            return tensor
        numbers = torch.arange(count, device=tensor.device) % samples
        return tensor.detach().index_select(list(tensor.shape).index(samples), numbers).requires_grad_(tensor.requires_grad)

    return mapped(batch, change)


def of(count: int) -> Callable[[Subject], Subject]:
    """A cure: batches of `count` samples in training."""

    def of_size(subject: Subject) -> Subject:
        with on(subject):
            return dataclasses.replace(subject, batch=resized(subject.batch, count))

    return of_size


def of_in_evaluation(count: int) -> Callable[[Subject], Subject]:
    """A cure: batches of `count` samples in evaluation."""

    def of_size_in_evaluation(subject: Subject) -> Subject:
        with on(subject):
            return dataclasses.replace(subject, val=resized(subject.batch if subject.val is None else subject.val, count))

    return of_size_in_evaluation
