"""Numbers made of another kind: in the batch, in what the model keeps, or on their way into one operation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.call import split
from ..engine.nested import mapped, tensors
from ..engine.subject import Subject
from .layers import given_to
from .rewrite import rewritten

Cast = Callable[[Tensor], Tensor]
WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def to_kind(kind: torch.dtype, other: torch.dtype) -> Cast:
    """Tensors of one kind cast to another; the rest as they are."""
    return lambda tensor: tensor.to(other) if tensor.dtype == kind else tensor


def whole_to_real(divisor: float = 1.0, kinds: tuple[torch.dtype, ...] = WHOLE) -> Cast:
    """Tensors of whole numbers made real, and divided."""
    return lambda tensor: tensor.float() / divisor if tensor.dtype in kinds else tensor


def in_batch(cast: Cast, *, targets: bool = True) -> Callable[[Subject], Subject]:
    """The cure that casts the batch, or only what goes into the model."""

    def cure(subject: Subject) -> Subject:
        spared = set() if targets or subject.step is not None else {id(t) for t in tensors(split(subject, subject.batch)[2])}
        return dataclasses.replace(subject, batch=mapped(subject.batch, lambda t: t if id(t) in spared else cast(t)))

    return cure


def in_model(kind: torch.dtype) -> Callable[[Subject], Subject]:
    """The cure that casts the model's weights and buffers."""

    def cure(subject: Subject) -> Subject:
        subject.model.to(kind)
        return subject

    return cure


def kept_in(paths: list[str], cast: Cast) -> Callable[[Subject], Subject]:
    """The cure that casts what the model keeps at these paths, registered or not."""

    def cure(subject: Subject) -> Subject:
        for path in paths:
            owner, _, name = path.rpartition(".")
            module = subject.model.get_submodule(owner)
            held = getattr(module, name)
            if isinstance(held, nn.Parameter):
                held.data = cast(held.data)
            else:
                setattr(module, name, mapped(held, cast))
        return subject

    return cure


def on_the_way(operation: str, module: str, cast: Cast) -> Callable[[Subject], Subject]:
    """The cure that casts what is given to an operation wherever it is called, or, where no operation is known, to a module."""

    def change(function: Callable, *args: Any, **kwargs: Any) -> Any:
        return function(*mapped(args, cast), **mapped(kwargs, cast))

    return (lambda subject: rewritten(subject, {operation}, change)) if operation else given_to(module, cast)
