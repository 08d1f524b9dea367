"""A graph that is kept beyond its backward pass: what the program keeps is taken out of it, or the graph is held for one more pass."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

from ..engine.nested import mapped, tensors
from ..engine.reach import contents, reached
from ..engine.snapshot import roots
from ..engine.subject import Subject
from .rewrite import rewritten

_BACK = frozenset(("backward", "grad"))


def in_graph(value: Any) -> bool:
    """Whether this is, or plainly holds, a tensor with a graph behind it."""
    return isinstance(value, (Tensor, tuple, list)) and any(t.grad_fn is not None for t in tensors(value))


def holders(subject: Subject) -> Iterator[tuple[Any, dict[Any, Any]]]:
    """Everything that the program leads to and that keeps things by name, with what it keeps."""
    for thing in reached(roots(subject)):
        if isinstance(thing, nn.Module):
            yield thing, {**thing._buffers, **{name: value for name, value in vars(thing).items() if not name.startswith("_")}}
        elif isinstance(thing, types.CellType):
            yield thing, dict(zip(("cell_contents",), contents(thing), strict=False))
        elif isinstance(thing, dict):
            yield thing, dict(thing)


def detach_kept(subject: Subject) -> None:
    """Whatever the program keeps is taken out of its graph; the holders get new tensors."""
    for holder, kept in list(holders(subject)):
        for name, value in kept.items():
            if in_graph(value):
                detached = mapped(value, lambda t: t.detach() if t.grad_fn is not None else t)
                if isinstance(holder, dict):
                    holder[name] = detached
                else:
                    setattr(holder, name, detached)


def state_detached(subject: Subject) -> Subject:
    """The cure that takes what is kept out of its graph, now and after every backward pass."""

    def change(function: Callable, *args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        detach_kept(subject)
        return result

    detach_kept(subject)
    return rewritten(subject, {"backward"}, change)


def graph_retained(subject: Subject) -> Subject:
    """The cure that holds the graph where the program differentiates within its own step."""

    def change(function: Callable, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **{**kwargs, "retain_graph": True})

    return rewritten(subject, _BACK, change)
