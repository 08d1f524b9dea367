"""Which of the user's variables keep the graphs of earlier steps alive, and the line that puts them there."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from ...engine.nested import tensors
from ..source_lines import Line, is_users
from .settings import FROM_ITSELF, setting

_MOST = 400  # nodes that are followed behind one variable
_LONG = 2000  # entries of a list that are looked at
_STEP = 2**63  # numbers from here on are those of leaves


class Holder(NamedTuple):
    """A variable with the graphs of `steps` earlier steps behind it, and the line that sets it; after the step of this `number`.

    `several`: it holds more than one tensor.
    """

    name: str
    line: Line
    steps: int
    number: int = -1
    several: bool = False


def holders(losses: dict[int, int], depth: int = 2) -> list[Holder]:
    """The variables of the user's running code behind which these losses stand: `losses` are numbers of nodes, with their steps."""
    found = []
    for frame, name, value in _variables(sys._getframe(depth)):
        steps = {losses[number] for number in _behind(value, losses)}
        if steps:
            found.append(Holder(name, setting(frame, name)[1], len(steps)))
    return sorted(found, key=lambda holder: -holder.steps)


def old_state(until: int, depth: int = 2) -> Holder | None:
    """The first variable with a graph that was made before the node of this number; or that reaches back there and is set from itself."""
    carried = None
    for frame, name, value in _variables(sys._getframe(depth)):
        numbers = [t.grad_fn._sequence_nr() for t in tensors(value) if t.grad_fn is not None]
        if numbers and isinstance(value, (Tensor, tuple, list)):
            sure, line = setting(frame, name)
            if line.place and min(numbers) <= until:
                return Holder(name, line, 1, several=not isinstance(value, Tensor))
            carried = carried or (Holder(name, line, 1, several=not isinstance(value, Tensor)) if sure >= FROM_ITSELF else None)
    return carried


def schedulers(depth: int = 2) -> list[tuple[str, Any]]:
    """The schedulers among the user's variables, with their names, without those that are parts of others."""
    found = [(name, value) for _, name, value in _variables(sys._getframe(depth)) if isinstance(value, LRScheduler)]
    inner = [part for _, value in found for held in vars(value).values() for part in (held if isinstance(held, list) else [held])]
    return [(name, value) for name, value in found if not any(value is part for part in inner)]


def _variables(frame: FrameType | None) -> Iterator[tuple[FrameType, str, Any]]:
    """The variables of the user's running functions, innermost first, and the attributes of what they hold."""
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            for name, value in list(frame.f_locals.items()):
                if not name.startswith("_") and not isinstance(value, (type, ModuleType)):
                    yield frame, name, value
                    held = getattr(value, "__dict__", None)
                    inner = held.items() if isinstance(held, dict) and not isinstance(value, Tensor) else ()
                    yield from ((frame, f"{name}.{key}", part) for key, part in list(inner) if not key.startswith("_"))
        frame = frame.f_back


def _behind(value: Any, losses: dict[int, int]) -> Iterator[int]:
    """The numbers of these losses that are in the graphs of a tensor, or of the tensors in a container of two levels."""
    rows = list(value.values()) if isinstance(value, dict) else [value]
    parts = [part for row in rows[:_LONG] for part in (row[-_LONG:] if isinstance(row, list) else [row])]
    pending = [part.grad_fn for part in parts if isinstance(part, Tensor) and part.grad_fn is not None]
    seen: set[int] = set()
    while pending and len(seen) < _MOST + len(parts):
        node = pending.pop(0)
        number = node._sequence_nr()
        if number in seen or number >= _STEP:
            continue
        seen.add(number)
        if number in losses:
            yield number
        else:
            pending.extend(parent for parent, _ in node.next_functions if parent is not None)


def code_of(name: str, depth: int = 2) -> CodeType | None:
    """The user's running code that has a variable of this name; which line sets it may be asked later, as it takes long."""
    for frame, found, _ in _variables(sys._getframe(depth)):
        if found == name:
            linecache.lazycache(frame.f_code.co_filename, frame.f_globals)
            return frame.f_code
    return None
