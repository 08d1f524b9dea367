"""What is still alive in the notebook beside the program: models that only the notebook's own memory holds, and graphs of earlier steps."""

from __future__ import annotations

import dataclasses
import re
import sys
import traceback
from collections import deque
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...engine.observation import Observation
from ...engine.subject import Subject
from ...engine.whose import is_of_process
from ...instruments.held_graphs import Held, addends, held

_KEPT_BY_IPYTHON = re.compile(r"_+(i+|dh|oh)?|_i?\d+|Out|In")
_CONTAINERS = (list, tuple, dict, set, deque)
_NOT_WALKED = (type, ModuleType)
_DEEP = 3
_LONG = 2000  # items of a container that are looked at


@dataclasses.dataclass(frozen=True)
class LeftModel:
    """A model without a name: what it is, the bytes of its parameters, gradients and buffers, and who holds it."""

    kind: str
    size: int
    holders: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Kept:
    """A name that holds graphs: a sum of losses, or a collection of losses or outputs."""

    name: str
    held: Held
    scalars: bool
    summed: bool


@dataclasses.dataclass(frozen=True)
class LeftAlive(Observation):
    """Models that no name of the user's leads to, and names that keep graphs of several passes."""

    models: tuple[LeftModel, ...] = ()
    graphs: tuple[Kept, ...] = ()

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[LeftAlive]:
        """Look through the names of the notebook; nothing is said where there are none to look through."""
        if subject.scope:
            mine = {name: thing for name, thing in subject.scope.items() if not _KEPT_BY_IPYTHON.fullmatch(name)}
            yield cls(tuple(left_models(subject.scope, mine)), tuple(kept_graphs(mine)))


def left_models(scope: Mapping[str, Any], mine: Mapping[str, Any]) -> Iterator[LeftModel]:
    """The models that only outputs of cells or the last traceback hold. One that shares a weight with a named one is a part of it."""
    known = {id(p) for thing in mine.values() for module in _modules(thing) for p in module.parameters()}
    found: dict[int, nn.Module] = {}
    holders: dict[int, list[str]] = {}
    for name, thing in _hidden(scope):
        for module in _modules(thing):
            parameters = list(module.parameters())
            if parameters and not known & {id(p) for p in parameters}:
                found[id(module)] = module
                holders.setdefault(id(module), []).append(name)
    inner = {id(below) for module in found.values() for below in module.modules() if below is not module}
    for key in sorted(found.keys() - inner, key=lambda key: holders[key]):
        yield LeftModel(type(found[key]).__name__, _size(found[key]), tuple(dict.fromkeys(holders[key])))


def _hidden(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What IPython keeps by itself, and the locals of the last traceback."""
    outputs = scope.get("Out")
    for number, thing in outputs.items() if isinstance(outputs, dict) else ():
        yield f"Out[{number}]", thing
    for name, thing in scope.items():
        if _KEPT_BY_IPYTHON.fullmatch(name) and name != "Out" and not isinstance(thing, (str, dict)):
            yield name, thing
    for frame, _ in traceback.walk_tb(getattr(sys, "last_traceback", None)):
        if frame.f_globals is not scope and frame.f_locals is not scope:
            yield from (("the last traceback", thing) for thing in frame.f_locals.values())


def _modules(thing: Any, deep: int = _DEEP) -> Iterator[nn.Module]:
    """The outermost modules in a thing: itself, in containers, in attributes; the notebook's own objects lead to everything in it."""
    if isinstance(thing, nn.Module):
        yield thing
    elif isinstance(thing, _CONTAINERS) and deep and len(thing) <= _LONG:
        for item in thing.values() if isinstance(thing, dict) else thing:
            yield from _modules(item, deep - 1)
    elif (
        deep
        and isinstance(getattr(thing, "__dict__", None), dict)
        and not isinstance(thing, _NOT_WALKED)
        and not is_of_process(type(thing))
    ):
        for item in list(vars(thing).values()):
            yield from _modules(item, deep - 1)


def _size(module: nn.Module) -> int:
    tensors = [t for p in module.parameters() for t in (p, p.grad) if t is not None] + list(module.buffers())
    return sum({t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in tensors if not is_lazy(t)}.values())


def kept_graphs(mine: Mapping[str, Any]) -> Iterator[Kept]:
    """The names that keep the graphs of more than one pass."""
    for name, thing in mine.items():
        if isinstance(thing, Tensor) and thing.grad_fn is not None and not thing.ndim:
            parts = addends(thing.grad_fn)
            if len(parts) > 1:
                yield Kept(name, held(parts), True, True)
        elif isinstance(thing, (list, tuple, dict, deque)) and len(thing) <= _LONG:
            found = [t for t in (thing.values() if isinstance(thing, dict) else thing) if isinstance(t, Tensor) and t.grad_fn is not None]
            if len(found) > 1:
                yield Kept(name, held([t.grad_fn for t in found]), all(not t.ndim for t in found), False)
