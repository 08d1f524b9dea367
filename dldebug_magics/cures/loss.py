"""The loss fed or signed differently."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..engine.call import loss_from, loss_of
from ..engine.subject import Subject
from ..instruments.calls import LOSSES
from .rewrite import rewritten


def negated(subject: Subject) -> Subject:
    """The loss with its sign turned."""
    whole = dataclasses.replace(subject, around=())
    if subject.step is not None or subject.loss_fn is None:
        return dataclasses.replace(subject, step=lambda batch: -loss_of(whole, batch).loss)
    return dataclasses.replace(subject, loss_fn=_in_place_of(subject.loss_fn, lambda output, *targets: -loss_from(whole, output, targets)))


def fed(loss: str, change: Callable[[Tensor], Tensor]) -> Callable[[Subject], Subject]:
    """The cure that changes what goes into one of torch's loss functions."""

    def changed(function: Callable, *args: Any, **kwargs: Any) -> Any:
        given = dict(kwargs)
        if args:
            return function(change(args[0]), *args[1:], **given)
        return function(**{**given, "input": change(given["input"])})

    return lambda subject: rewritten(subject, {loss}, changed)


def aligned(subject: Subject) -> Subject:
    """Each target in the shape of the output, where both have equally many elements; where no loss is given, wherever two such meet."""
    own = subject.loss_fn
    if own is None or subject.step is not None:
        return rewritten(subject, LOSSES | {"sub", "rsub", "mul"}, _met)
    loss = _in_place_of(own, lambda output, *targets: own(output, *(_like(t, output) for t in targets)))
    return dataclasses.replace(subject, loss_fn=loss)


def _in_place_of(own: Callable[..., Any], changed: Callable[..., Any]) -> Callable[..., Any]:
    """The changed loss with the signature of its original, which says how many targets it takes."""
    changed.__wrapped__, changed.__module__ = getattr(own, "forward", own), getattr(own, "__module__", "")  # type: ignore[attr-defined]
    return changed


def _met(function: Callable, one: Any, *args: Any, **kwargs: Any) -> Any:
    if not args or not all(isinstance(t, Tensor) for t in (one, args[0])) or one.ndim == args[0].ndim:
        return function(one, *args, **kwargs)
    other = args[0]
    pair = (_like(one, other), other) if one.ndim < other.ndim else (one, _like(other, one))
    return function(*pair, *args[1:], **kwargs)


def _like(target: Any, output: Any) -> Any:
    same = isinstance(target, Tensor) and isinstance(output, Tensor) and target.numel() == output.numel()
    return target.reshape(output.shape) if same else target
