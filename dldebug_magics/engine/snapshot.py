"""Lending the user's own objects: everything about them is written down first and put back afterwards.

The way for models that can't be deep-copied (a cached activation, a lock) or that don't fit twice into memory, and for a `step`, whose
objects nobody named. Things are restored as objects, not as copies: a tensor or a list that the user holds elsewhere is the same one
again, with its old contents.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy
from torch import Tensor, nn

from .keep import kept
from .keep_tensors import kept_storages, kept_tensor
from .nested import tensors
from .reach import reached
from .subject import Subject


@contextlib.contextmanager
def restored(subject: Subject, more: Iterable[Any] = ()) -> Iterator[None]:
    """Whatever the block does to model, loss, optimizer, scheduler, step, what these lead to and the things in `more` is undone at its end.

    Everything is put back even if putting back one thing fails.
    """
    things = list(reached([*roots(subject), *more]))
    found = [thing for thing in things if isinstance(thing, Tensor)]
    with contextlib.ExitStack() as stack:
        for tensor in found:
            stack.callback(kept_tensor(tensor))
        for restore in kept_storages(found, own={id(t) for t in owned(subject)}):
            stack.callback(restore)
        for thing in things:
            if not isinstance(thing, Tensor):
                stack.callback(kept(thing))
        yield


@contextlib.contextmanager
def reading(source: Any) -> Iterator[None]:
    """Whatever reading from a loader or dataset leaves in its objects (a counter, a place, a cache) is undone; tensors are only read."""
    with contextlib.ExitStack() as stack:
        for thing in reached([source], stop=()):
            if not isinstance(thing, (Tensor, numpy.ndarray)):
                stack.callback(kept(thing))
        yield


def roots(subject: Subject) -> list[Any]:
    """The objects of a subject that training changes, or that hold on to others."""
    return [part for part in (subject.model, subject.loss_fn, subject.optimizer, subject.scheduler, subject.step) if part is not None]


def modules(subject: Subject) -> list[nn.Module]:
    """Every module of model and loss, each once."""
    parts = [part for part in (subject.model, subject.loss_fn) if isinstance(part, nn.Module)]
    return list({id(m): m for part in parts for m in part.modules()}.values())


def owned(subject: Subject) -> Iterator[Tensor]:
    """The subject's own tensors: those in modules (plain attributes and unregistered layers, too) and in the optimizer."""
    pending = modules(subject)
    seen = {id(module) for module in pending}
    while pending:
        module = pending.pop()
        for value in (*module.parameters(recurse=False), *module.buffers(recurse=False), *vars(module).values()):
            if isinstance(value, (bool, int, str)) or (isinstance(value, (dict, list)) and not value):
                continue  # most of what a module has
            yield from tensors(value)
            hidden = [layer for layer in _unregistered(value) if id(layer) not in seen]
            seen.update(id(layer) for layer in hidden)
            pending.extend(hidden)
    if subject.optimizer is not None:
        for group in subject.optimizer.param_groups:
            yield from group["params"]
        for state in subject.optimizer.state.values():
            yield from tensors(state)


def _unregistered(value: Any) -> Iterator[nn.Module]:
    """Modules kept in a plain list or dict, which `modules()` does not reach."""
    if isinstance(value, nn.Module):
        yield from value.modules()
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _unregistered(item)
