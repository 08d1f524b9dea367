"""What a training step could write to: every changeable thing that the user's objects lead to.

Attributes, containers, closures, and the globals that the user's own functions name, to any depth. It stops at data sets and at what
belongs to the process (files, locks, loggers, the notebook), which a step uses but does not keep its state in.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import random
import types
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from .whose import is_library, is_of_process

DATA = (Dataset, DataLoader, Sampler)
_LONG = 20_000  # items; a longer container is kept as it is, but its items are not looked at
_CONSTANT = (str, bytes, int, float, complex, types.ModuleType, weakref.ReferenceType, torch.dtype, torch.device, torch.Size, numpy.generic)
_WALKED = (
    dict,
    list,
    tuple,
    set,
    frozenset,
    type,
    types.FunctionType,
    types.MethodType,
    types.CellType,
    types.SimpleNamespace,
    random.Random,
)
_UNCHANGING = (tuple, frozenset, types.MethodType)  # what they hold may change


@dataclasses.dataclass(frozen=True)
class _About:
    """What holds for all things of one type. `constant`: it holds nothing that changes; `hidden`: what it holds may change, itself not."""

    constant: bool
    hidden: bool
    slots: tuple[str, ...]
    kinds: tuple[type, ...]


_about: weakref.WeakKeyDictionary[type, _About] = weakref.WeakKeyDictionary()


def reached(roots: Iterable[Any], stop: tuple[type, ...] = DATA) -> Iterator[Any]:
    """Tensors, arrays, containers, objects, closure cells, generators, the user's classes and functions, each once, nearest first."""
    pending, seen = deque(roots), {}
    while pending:
        thing = pending.popleft()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        kind = about(type(thing))
        if kind.constant or isinstance(thing, stop):
            continue
        if not kind.hidden and not is_library(thing):
            yield thing
        pending.extend(_below(thing))


def about(kind: type) -> _About:
    """What holds for all things of a type; worked out once for each."""
    known = _about.get(kind)
    if known is None:
        process = is_of_process(kind) and not issubclass(kind, _WALKED)
        own = tuple(base for base in kind.__mro__ if not is_library(base))
        slots = tuple(name for base in own for name, member in vars(base).items() if inspect.ismemberdescriptor(member))
        constant = process or kind is type(None) or issubclass(kind, _CONSTANT)
        known = _about[kind] = _About(constant, issubclass(kind, _UNCHANGING), slots, own)
    return known


def _below(thing: Any) -> Iterable[Any]:
    """What a thing holds."""
    if isinstance(thing, Tensor):
        return _of_tensor(thing)
    if isinstance(thing, types.CellType):
        return contents(thing)
    if isinstance(thing, types.MethodType):
        return (thing.__self__, thing.__func__)
    if isinstance(thing, types.FunctionType):
        named = () if is_library(thing) else [thing.__globals__[n] for n in globals_of(thing) if n in thing.__globals__]
        return (*(thing.__closure__ or ()), *(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values(), thing.__dict__, *named)
    if isinstance(thing, functools.partial):
        return (thing.func, thing.args, thing.keywords)
    if isinstance(thing, type):
        return () if is_library(thing) else [_plain(member) for member in vars(thing).values()]
    return (*_items(thing), *namespace(thing).values(), *about(type(thing)).kinds)


def _plain(member: Any) -> Any:
    """The function in a class's member."""
    if isinstance(member, property):
        return member.fget
    return member.__func__ if isinstance(member, (staticmethod, classmethod)) else member


def _items(thing: Any) -> Iterable[Any]:
    if isinstance(thing, torch.jit.ScriptModule):  # keeps its tensors out of sight
        return (*thing.parameters(), *thing.buffers())
    if not isinstance(thing, (dict, list, tuple, set, frozenset, deque)) or len(thing) > _LONG:
        return ()
    return (*thing.keys(), *thing.values()) if isinstance(thing, dict) else thing


def _of_tensor(tensor: Tensor) -> list[Any]:
    held = [getattr(tensor, "__dict__", None), tensor._backward_hooks, getattr(tensor, "_post_accumulate_grad_hooks", None)]
    return [*held, tensor.grad] if tensor.is_leaf or tensor.retains_grad else held


def contents(cell: types.CellType) -> tuple[Any, ...]:
    """What is in a closure cell: one thing, or nothing yet."""
    try:
        return (cell.cell_contents,)
    except ValueError:  # the only way in which a cell says that it is empty
        return ()


def namespace(thing: Any) -> dict[str, Any]:
    """An object's attributes, in `__dict__` and in slots."""
    held = getattr(thing, "__dict__", None)
    attributes = dict(held) if isinstance(held, dict) else {}
    slots = about(type(thing)).slots
    return {**{name: getattr(thing, name) for name in slots if hasattr(thing, name)}, **attributes} if slots else attributes


def globals_of(function: types.FunctionType) -> tuple[str, ...]:
    """The global names in a function of the user's, bound or not: what a step may read and change there."""
    return names_in(function.__code__)


@functools.lru_cache(maxsize=4096)
def names_in(code: types.CodeType) -> tuple[str, ...]:
    """The names in a piece of code that are not its own variables: globals and attributes, also those of the functions in it."""
    return (*code.co_names, *(name for inner in code.co_consts if isinstance(inner, types.CodeType) for name in names_in(inner)))
