"""The copies on which a program runs again, fresh ones for each run, and what is around a run: random numbers, doors, the user's things."""

from __future__ import annotations

import contextlib
import random
import time
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy
import torch
from torch import Tensor, nn

from ...engine import ambient, twin
from ...engine.deadline import TimeSpent
from ...engine.digest import digest
from ...engine.edits import Edit
from ...engine.memo import CannotCopy, why
from ...engine.reach import names_in
from ...engine.standing_in import shared_by, standing_in
from ...engine.subject import Subject
from ...engine.whose import CONNECTIONS
from ...engine.world import World
from ..watch.wrapped import wrapped
from .course import Course, Weights, run
from .doors import shut, unheard
from .program import Program

_NOBODY = Subject(nn.Identity())  # ambient state is that of the process alone here; generators of the user's are copied


class Copies:
    """Copies of a program's world as it stands now. `refused`: why there are none. `steps`: how many were taken on them in all."""

    def __init__(self, program: Program, deadline: float, hushed: Callable[[], AbstractContextManager]):
        self.program, self.hushed, self.steps, self.refused = program, hushed, 0, ""
        self.began = ambient.taken(_NOBODY)
        with ambient.restored(_NOBODY), unheard():
            try:
                original = program.world()
                _may_run_again(original, program)
                self.world = original.copied(deadline)
                self.shared = shared_by(original, self.world)
            except CannotCopy as error:
                self.refused = str(error)
            except TimeSpent:
                self.refused = "copying what the program can reach took too long"
            except Exception as error:  # the user's training comes first: whatever is wrong here costs the proof alone
                self.refused = why(program, error)

    def run(self, edits: tuple[Edit, ...], repeat: int, limits: tuple[int, float], given: list[Weights] | None = None) -> Course:
        """One run on fresh copies, of so many steps and up to that deadline. Repeat 0 has the random numbers that the program had."""
        with ambient.restored(_NOBODY), self.hushed():
            ambient.put_back(self.began)
            read, write = ambient.PARTS["global hooks"]
            write([{} for _ in read()])
            with unheard():
                world = self.world.copied(limits[1])
                with standing_in(world, self.shared), self.program.starting(world, edits) as start, _drawing(world, repeat), shut():
                    course = run(start, *limits, given)
        self.steps += course.steps
        return course

    def state(self) -> dict[str, Any]:
        """What a run must leave as it is, by a word for it."""
        if self.refused:
            return {}
        found = {name: digest(value) for name, value in ambient.taken(_NOBODY).items()}
        found["the names of the program"] = digest([(name, id(value)) for name, value in self.program.space.items()])
        return found | {"what the program can reach": digest(tuple(self.program.world().values), {})}


def _may_run_again(world: World, program: Program) -> None:
    """Raise `CannotCopy` where the program can't be run a second time without harm."""
    if hasattr(torch.autograd.backward, "__wrapped__"):
        raise CannotCopy("another watch is under way")
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        raise CannotCopy("other processes train with it")
    if any(type(m).__name__ == "OptimizedModule" or getattr(m, "_compiled_call_impl", None) for m in world.apart()):
        raise CannotCopy("a model in it is compiled")
    codes = [part.__code__ for part in world.parts if isinstance(part, types.FunctionType)]
    connected = CONNECTIONS & {name for names in (program.names, *map(names_in, codes)) for name in names}
    if connected:
        raise CannotCopy(f"it reports to `{min(connected)}`, which would hear of it twice")
    sizes: dict[torch.device, int] = {}
    for part in world.apart():
        if isinstance(part, (Tensor, numpy.ndarray)) and not (isinstance(part, Tensor) and nn.parameter.is_lazy(part)):
            device = part.device if isinstance(part, Tensor) else torch.device("cpu")
            sizes[device] = sizes.get(device, 0) + part.nbytes
    if any(2 * size > twin.SHARE * twin.free(device) for device, size in sizes.items()):
        raise CannotCopy("there is no room for two copies of what it can reach")


@contextlib.contextmanager
def _drawing(world: World, repeat: int) -> Iterator[None]:
    """Other random numbers for each repeat, also where the program seeds them itself."""
    if repeat == 0:
        yield
        return
    ambient.seeded(7919 * repeat)
    for part in world.parts:
        if isinstance(part, torch.Generator):
            part.manual_seed(part.initial_seed() + repeat)
    with contextlib.ExitStack() as stack:
        for owner, name in ((torch, "manual_seed"), (random, "seed"), (numpy.random, "seed")):
            stack.enter_context(wrapped(owner, name, lambda plain: lambda seed=None: plain(_other(seed, repeat))))
        yield


def _other(seed: Any, repeat: int) -> Any:
    """Another seed, where it is a number; without one it differs by itself."""
    return seed + repeat if isinstance(seed, int) else time.monotonic_ns() % 2**32 if seed is None else seed
