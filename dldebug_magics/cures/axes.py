"""Axes put right: the batch told to a recurrent or attention layer, a reduction over another axis, a permute in the place of a view."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.subject import Subject
from .rewrite import rewritten

_DIM_AT = {"norm": 1, "vector_norm": 1, "linalg_vector_norm": 1}  # behind the tensor; 0 for all others
_OF_ALL = {"max": torch.amax, "min": torch.amin}


def batch_first(path: str, value: bool = True) -> Callable[[Subject], Subject]:
    """The cure that sets `batch_first` of this module."""

    def cure(subject: Subject) -> Subject:
        subject.model.get_submodule(path).batch_first = value
        return subject

    return cure


def reduced_over(name: str, index: int, dims: tuple[int, ...], keepdim: bool = False) -> Callable[[Subject], Subject]:
    """The cure that takes one mean, sum or the like over these axes, as it was told to, or with their places kept (`keepdim`)."""
    dim: Any = dims if len(dims) > 1 else dims[0]

    def change(function: Callable, tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        at, word = _DIM_AT.get(name, 0), "axis" if "axis" in kwargs else "dim"
        named = kwargs.get(word) is not None or len(args) > at
        kept = {**kwargs, **({"keepdim": True} if keepdim else {})}
        if len(args) > at:
            return function(tensor, *args[:at], dim, *(() if keepdim else args[at + 1 :]), **kept)
        return (function if named else _OF_ALL.get(name, function))(tensor, *args, **{**kept, word: dim})

    return lambda subject: rewritten(subject, {name}, change, index)


def classes_moved_last(subject: Subject) -> Subject:
    """The model's output with its axis 1 moved to the end before the loss."""
    own: Any = subject.loss_fn
    return dataclasses.replace(subject, loss_fn=lambda output, target: own(output.movedim(1, -1), target))


def permuted(name: str, index: int, order: tuple[int, ...]) -> Callable[[Subject], Subject]:
    """The cure that permutes the axes before one view or reshape, to the same shape as before."""

    def change(function: Callable, tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        return tensor.permute(order).reshape(function(tensor, *args, **kwargs).shape)

    return lambda subject: rewritten(subject, {name}, change, index)
