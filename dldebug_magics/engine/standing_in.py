"""Copies in the place of the user's things, for the time of a run: a program finds them under the names that it knows.

The namespace that the program runs in holds nothing but the copies then: what is reached by a way that nobody saw is missing, and not the
user's. Whatever copy and original still share (a class's counter) is written down and restored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .generators import of_process
from .interrupts import held_at_exit
from .keep import kept
from .memo import CannotCopy
from .reach import reached
from .world import World


@contextlib.contextmanager
def standing_in(copies: World, shared: tuple[Any, ...] = ()) -> Iterator[None]:
    """Within the block the names of the world stand for these copies; then all namespaces, and the shared things, are as they were."""
    spaces = {id(copies.space): copies.space} | {id(h.space): h.space for h in copies.held}
    with held_at_exit() as stack:
        for space in spaces.values():
            stack.callback(kept(space))
        for name in [name for name in copies.space if not (name.startswith("__") and name.endswith("__"))]:
            del copies.space[name]
        for held in copies.held:
            held.space[held.name] = held.value
        for name, _ in copies.left_out:
            for space in spaces.values():
                space.pop(name, None)
        for thing in shared:
            stack.callback(kept(thing))
        yield


def shared_by(original: World, copies: World) -> tuple[Any, ...]:
    """What both lead to. Raises `CannotCopy` where a copy leads to a tensor, a module or the like of the original's."""
    mine = {id(thing) for thing in reached(original.values, stop=())}
    with standing_in(copies):
        both = tuple(thing for thing in reached(copies.values, stop=()) if id(thing) in mine)
    own = {id(part) for part in original.apart()} - {id(generator) for generator in of_process()}
    for thing in both:
        if id(thing) in own:
            raise CannotCopy(f"a copy still leads to your own {type(thing).__name__}")
    return both
