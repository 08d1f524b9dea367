"""Softmax calls done differently, several at once: over another axis, as a sigmoid, or left out."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ..engine.subject import Subject
from ..instruments.calls import name_of
from ..instruments.softmaxes import SOFTMAXES
from .rewrite import Change


def turned(name: str, axis: int | None) -> Change:
    """The change that takes the softmax over that axis; without one, a sigmoid asks yes or no of each entry by itself."""
    alone = torch.sigmoid if name == "softmax" else functional.logsigmoid

    def change(function: Callable, tensor: Any, *args: Any, **kwargs: Any) -> Any:
        return alone(tensor) if axis is None else getattr(torch, name)(tensor, dim=axis)

    return change


def all_of(changes: Iterable[tuple[str, int, Change]]) -> Callable[[Subject], Subject]:
    """The cure that changes several softmax calls, each given by its name and its number among the calls of that name."""
    chosen = {(name, index): change for name, index, change in changes}

    def cure(subject: Subject) -> Subject:
        return dataclasses.replace(subject, around=(*subject.around, lambda: SoftmaxesChanged(chosen)))

    return cure


class SoftmaxesChanged(TorchFunctionMode):
    """While active, the chosen calls are done differently; every call counts, also one that is left out."""

    def __init__(self, chosen: dict[tuple[str, int], Change]):
        super().__init__()
        self.chosen, self.counts = chosen, Counter[str]()

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name = name_of(function)
        if name not in SOFTMAXES:
            return function(*args, **(kwargs or {}))
        number, self.counts[name] = self.counts[name], self.counts[name] + 1
        change = self.chosen.get((name, number))
        return function(*args, **(kwargs or {})) if change is None else change(function, *args, **(kwargs or {}))
