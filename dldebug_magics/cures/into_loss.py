"""What enters one of torch's losses, changed on the way: output, target and settings, or another loss in its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional

from ..engine.subject import Subject
from .rewrite import rewritten

Pair = tuple[Tensor, Tensor]


def given(loss: str, change: Callable[[Tensor, Tensor], Pair], **settings: Any) -> Callable[[Subject], Subject]:
    """The cure that changes output and target before the loss sees them, and some of its settings (`ignore_index=-100`)."""

    def changed(function: Callable, *args: Any, **kwargs: Any) -> Any:
        output, target, rest = _parts(args, kwargs)
        return function(*change(output, target), **{**_named(function, args[2:]), **rest, **settings})

    return lambda subject: rewritten(subject, {loss}, changed)


def replaced(loss: str, other: Callable[..., Tensor], change: Callable[[Tensor, Tensor], Pair]) -> Callable[[Subject], Subject]:
    """The cure that puts another loss in the place of one; only the way of averaging is kept."""

    def changed(function: Callable, *args: Any, **kwargs: Any) -> Any:
        output, target, rest = _parts(args, kwargs)
        reduction = {**_named(function, args[2:]), **rest}.get("reduction", "mean")
        return other(*change(output, target), reduction=reduction if isinstance(reduction, str) else "mean")

    return lambda subject: rewritten(subject, {loss}, changed)


def as_yes_or_no(loss: str) -> Callable[[Subject], Subject]:
    """The cure that asks yes or no of each output: the target in its shape and as a real number, the loss BCE with logits."""
    return replaced(loss, functional.binary_cross_entropy_with_logits, lambda output, target: (output, _like(target, output)))


def whole_loss_as_yes_or_no(subject: Subject) -> Subject:
    """The cure that puts BCE with logits in the place of a loss written by hand."""
    loss = lambda output, target: functional.binary_cross_entropy_with_logits(output, _like(target, output))  # noqa: E731
    return dataclasses.replace(subject, loss_fn=loss)


def as_values(loss: str) -> Callable[[Subject], Subject]:
    """The cure that compares numbers: the target in the output's shape, the loss a squared error."""
    return replaced(loss, functional.mse_loss, lambda output, target: (output, _like(target, output)))


def as_classes(loss: str) -> Callable[[Subject], Subject]:
    """The cure that reads the target as class numbers."""
    return replaced(loss, functional.cross_entropy, lambda output, target: (output, target.reshape(len(output)).long()))


def as_shares(loss: str, low: float, high: float) -> Callable[[Subject], Subject]:
    """The cure that brings targets from between these ends to between 0 and 1."""
    return given(loss, lambda output, target: (output, ((target - low) / (high - low)).to(output.dtype)))


def _like(target: Tensor, output: Tensor) -> Tensor:
    return target.reshape(output.shape).to(output.dtype)


def _parts(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Output, target, and what is given by name."""
    both = (*args[:2], *(kwargs[name] for name in ("input", "target")[len(args) :]))
    return both[0], both[1], {name: value for name, value in kwargs.items() if name not in ("input", "target")}


def _named(function: Callable, rest: tuple[Any, ...]) -> dict[str, Any]:
    """Settings given by position, by their names: those behind output and target."""
    code = getattr(function, "__code__", None)
    return dict(zip(code.co_varnames[2 : code.co_argcount], rest, strict=False)) if code is not None else {}
