"""Each sample through the model by itself, so that no sample can see another."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.nested import mapped, tensors
from ..engine.subject import Subject


class OneAtATime(nn.Module):
    """A model that is given its batch a sample at a time; outputs are put together again."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        count = next(tensors((args, kwargs))).shape[0]
        parts = []
        for i in range(count):
            one = partial(_sample, number=i)
            parts.append(self.model(*mapped(args, one), **mapped(kwargs, one)))
        columns = zip(*(list(tensors(part)) for part in parts), strict=True)
        whole = iter([torch.cat(column) if column[0].ndim else torch.stack(column).mean() for column in columns])
        return mapped(parts[0], lambda _: next(whole))


def _sample(tensor: Tensor, number: int) -> Tensor:
    return tensor[number : number + 1]


def one_at_a_time(subject: Subject) -> Subject:
    """The subject with its model wrapped so."""
    return dataclasses.replace(subject, model=OneAtATime(subject.model))
