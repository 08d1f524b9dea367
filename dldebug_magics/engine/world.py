"""All that a program's names lead to, copied together: so that it can run again, and never meet what is the user's.

A cell is known by its names. What these stand for is deep-copied with one memo, so that an optimizer's copy holds the copied parameters,
and a closure's copy the copied model. Modules, classes and functions that hold nothing are shared, as `copy.deepcopy` does. What can't be
copied is left out: a run that needs it ends there, and says so.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy
import torch
from torch import Tensor, nn

from . import generators, twin
from .memo import CannotCopy, Memo, why
from .reach import globals_of, reached
from .whose import is_users_module

_KEPT_APART = (Tensor, nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler, numpy.ndarray, *generators.KINDS)


@dataclasses.dataclass(frozen=True)
class Held:
    """A name of a namespace, and what it stands for."""

    space: dict[str, Any]
    name: str
    value: Any


@dataclasses.dataclass(frozen=True)
class World:
    """The names that a program can reach from its namespace `space`. `entry`: the function that is the program; None for a cell.

    `parts` are the things among them that a deep copy needs help with; `left_out`: names that have no copy, and why.
    """

    space: dict[str, Any]
    held: tuple[Held, ...]
    entry: Callable[[], Any] | None = None
    parts: tuple[Any, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, space: dict[str, Any], names: Iterable[str], entry: Callable[[], Any] | None = None) -> World:
        """What these names of a namespace stand for, and all names of the user's functions and modules among it, to any depth."""
        wanted, parts, held = set(names), list[Any](), dict[tuple[int, str], Held]()
        modules = [(name, value) for name, value in space.items() if isinstance(value, types.ModuleType)]
        spaces = [(space, wanted | {name for name, _ in modules})]  # a change may need a module
        while fresh := {(id(s), n): Held(s, n, s[n]) for s, own in spaces for n in own if n in s and (id(s), n) not in held}:
            held |= fresh
            roots = [*(h.value for h in held.values()), *([entry] if entry is not None else [])]
            parts = [thing for thing in reached(roots, stop=()) if isinstance(thing, (types.FunctionType, *_KEPT_APART))]
            functions = [part for part in parts if isinstance(part, types.FunctionType)]
            wanted |= {name for function in functions for name in globals_of(function)}
            found = [*(h.value for h in held.values()), *(sys.modules[name] for name in wanted if name in sys.modules)]
            spaces = [(vars(module), wanted) for module in found if is_users_module(module)]
            spaces += [(function.__globals__, set(globals_of(function))) for function in functions]
        return cls(space, tuple(h for h in held.values() if not h.name.startswith("__")), entry, tuple(parts))

    @property
    def values(self) -> list[Any]:
        """What the names stand for."""
        return [h.value for h in self.held] + ([self.entry] if self.entry is not None else [])

    def apart(self) -> Iterator[Any]:
        """The things that a run changes, and that no copy may share with its original."""
        return (part for part in self.parts if isinstance(part, _KEPT_APART))

    def copied(self, deadline: float) -> World:
        """A copy of everything. Raises `TimeSpent` behind the deadline (of `time.monotonic`), `CannotCopy` where it would be another."""
        memo, left_out, held = Memo(deadline), dict(self.left_out), []
        functions = memo.emptied(part for part in self.parts if isinstance(part, types.FunctionType))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for h in self.held:
                try:
                    held.append(dataclasses.replace(h, value=memo.copy(h.value)))
                except Exception as error:  # whatever can't be copied says so in its own way; only a run that needs it is lost
                    left_out[h.name] = why(h.value, error)
            for function in functions:
                left_out |= memo.filled(function)
            entry = memo.copy(self.entry)
        parts = [(part, memo[id(part)]) for part in self.parts if id(part) in memo]
        shared = [part for part in self.parts if isinstance(part, types.FunctionType) and id(part) not in memo]
        _made_alike(parts)
        return dataclasses.replace(
            self, held=tuple(held), entry=entry, parts=(*(its for _, its in parts), *shared), left_out=tuple(left_out.items())
        )


def _made_alike(parts: list[tuple[Any, Any]]) -> None:
    """Add what torch's copying leaves out, or raise where it can't be added."""
    tensors = [(mine, its) for mine, its in parts if isinstance(mine, Tensor)]
    for mine, its in tensors:
        if mine._backward_hooks or getattr(mine, "_post_accumulate_grad_hooks", None):
            raise CannotCopy("a tensor has hooks, which are not copied")
        if isinstance(mine, nn.Parameter):
            twin.mark_alike(mine, its)
            its.grad = None if mine.grad is None else mine.grad.clone()
    if twin.places(mine for mine, _ in tensors) != twin.places(its for _, its in tensors):
        raise CannotCopy("tensors that share their memory would not share it in a copy")
    for mine, its in parts:
        if isinstance(mine, torch.optim.Optimizer):
            if not twin.complete(vars(mine), its):
                raise CannotCopy(f"{type(mine).__name__} has hooks or a step of its own, which are not copied")
            if "step" in vars(mine):
                twin.patch_as_schedulers_do(its)
