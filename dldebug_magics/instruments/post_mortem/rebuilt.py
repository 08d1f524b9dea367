"""A Subject out of what failed: the call of the model, or of its loss, with copies of exactly what it had been given."""

from __future__ import annotations

import copy
import functools
import inspect
from typing import Any

from torch import nn

from ...engine.arguments import Arguments
from ...engine.nested import copied, tensors
from ...engine.subject import Subject
from . import Failure, failure_of
from .called import Called


def subject_of_error(error: BaseException) -> Subject | None:
    """The program that failed, to be examined; None where the frames don't hold it: a backward pass, a step, data, or not ours."""
    return subject_of(failure_of(error))


def subject_of(failure: Failure) -> Subject | None:
    """A failed forward pass: the model and its arguments. A failed loss: a model that hands its input on, which is the output that failed.

    What was given may have a graph, and may be what the user goes on with, so it is copied, and the copies have no graph.
    """
    call, loss = failure.call, failure.loss
    if not failure.is_ours:
        return None
    if call is not None:
        given = _copied(Arguments(call.arguments, call.keywords)) if call.exact else None
        return None if given is None else Subject(call.what, names=_named(model=call.name), batch=given)
    if loss is None or loss.what is None or not loss.exact:
        return None
    compared, options = _in_order(loss)
    given = _copied(Arguments(compared[:1], {}, compared[1:])) if compared else None
    loss_fn = functools.partial(loss.what, **options) if options else loss.what
    return None if given is None else Subject(nn.Identity(), loss_fn, names=_named(loss_fn=loss.name), batch=given)


def _named(**words: str) -> dict[str, str]:
    return {role: word for role, word in words.items() if word}


def _in_order(loss: Called) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a loss by place, also where they were given by name; what remains are its options."""
    if loss.arguments:
        return loss.arguments, loss.keywords
    names = list(inspect.signature(getattr(loss.what, "forward", loss.what)).parameters)[:2]
    by_place = tuple(loss.keywords[name] for name in names if name in loss.keywords)
    return by_place, {name: value for name, value in loss.keywords.items() if name not in names}


def _copied(given: Arguments) -> Arguments | None:
    """The arguments as copies throughout; None where something in them can't be copied."""
    try:
        twin = copied(given)
        return copy.deepcopy(twin, {id(tensor): tensor for tensor in tensors(twin)})
    except Exception:  # what a model is handed may be anything: a lock, a stream, an object with a graph in it
        return None
