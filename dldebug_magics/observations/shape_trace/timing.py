"""Several passes that do nothing but run, to tell how long each call of a module takes."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...engine.call import own_loss, split
from ...engine.deadline import in_time
from ...engine.nested import fresh, tensors
from ...engine.subject import Subject
from ...instruments.trace.clock import Clock, Span, Timed
from .row import Row

_REPEATS = 7


def timed(rows: Sequence[Row], subject: Subject, repeats: int = _REPEATS) -> tuple[Row, ...]:
    """The rows with seconds, forward and backward; as they were where the program has no time of its own or runs differently each time."""
    runs = [] if subject.step is not None else [_calls(subject) for _ in range(repeats + 1)][1:]  # the first warms up
    modules = [row for row in rows if row.is_module]
    if any(len(calls) != len(modules) for calls in runs):
        return tuple(rows)
    taken = iter(zip(*runs, strict=True))
    return tuple(_row(row, next(taken)) if row.is_module and runs else row for row in rows)


def _row(row: Row, calls: tuple[Timed, ...]) -> Row:
    forward, backward = [call.ended - call.began for call in calls], [call.backward for call in calls]
    return dataclasses.replace(row, forward=Span.of(forward), backward=Span.of(backward))


def _calls(subject: Subject) -> list[Timed]:
    in_time(subject)
    with torch.enable_grad(), contextlib.redirect_stdout(io.StringIO()), contextlib.ExitStack() as stack:
        for context in subject.around:
            stack.enter_context(context())
        arguments, keywords, targets = split(subject, fresh(subject.batch))
        clock = stack.enter_context(Clock(subject.model))
        output = subject.model(*arguments, **keywords)
        loss = subject.loss_fn(output, *targets) if subject.loss_fn is not None else own_loss(output)
        goal = loss if isinstance(loss, Tensor) and loss.requires_grad else _summed(output)
        if goal is not None and not goal.is_meta:
            clock.backward(goal)
            subject.model.zero_grad()
    return clock.calls


def _summed(output: Any) -> Tensor | None:
    """Without a loss, the sum of what comes out has a backward pass."""
    found = [tensor.sum() for tensor in tensors(output) if tensor.requires_grad]
    return sum(found[1:], found[0]) if found else None
