"""Writes in place undone: what is written over is kept as it was, a layer makes a new tensor, a weight is changed outside of the graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ..engine.subject import Subject
from .rewrite import rewritten


def not_in_place(paths: Iterable[str]) -> Callable[[Subject], Subject]:
    """The cure that sets `inplace=False` on these layers."""

    def cure(subject: Subject) -> Subject:
        for path in paths:
            subject.model.get_submodule(path).inplace = False
        return subject

    return cure


def kept_as_it_was(subject: Subject) -> Subject:
    """The backward pass is given copies of what it needs, made before anything is written over: as if each write made a new tensor."""
    copying = lambda: torch.autograd.graph.saved_tensors_hooks(Tensor.clone, lambda tensor: tensor)  # noqa: E731 (one for every pass)
    return dataclasses.replace(subject, around=(*subject.around, copying))


def outside_of_the_graph(operation: str) -> Callable[[Subject], Subject]:
    """The cure that makes this write without recording it."""

    def change(function: Callable, *args: Any, **kwargs: Any) -> Any:
        with torch.no_grad():
            return function(*args, **kwargs)

    return lambda subject: rewritten(subject, {operation}, change)


def into_a_copy(operation: str) -> Callable[[Subject], Subject]:
    """The cure that writes into a copy of the tensor."""
    return lambda subject: rewritten(
        subject, {operation}, lambda function, tensor, *args, **kwargs: function(tensor.clone(), *args, **kwargs)
    )
