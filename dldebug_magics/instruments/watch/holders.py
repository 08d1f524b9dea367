"""Which of the user's variables keep the graphs of earlier steps alive, and the line that puts them there."""

from __future__ import annotations

import ast
import functools
import linecache
import sys
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import Any, NamedTuple

from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from ...engine.nested import tensors
from ..source_lines import Line, is_users, place

_MOST = 400  # nodes that are followed behind one variable
_LONG = 2000  # entries of a list that are looked at
_STEP = 2**63  # numbers from here on are those of leaves
_FROM_ITSELF = 2  # how sure a line is that reads what it sets
_GROWING = frozenset(("append", "extend", "add", "update", "insert"))


class Holder(NamedTuple):
    """A variable with the graphs of `steps` earlier steps behind it, and the line that sets it; after the step of this `number`."""

    name: str
    line: Line
    steps: int
    number: int = -1


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
                return Holder(name, line, 1)
            carried = carried or (Holder(name, line, 1) if sure >= _FROM_ITSELF else None)
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


def setting(frame: FrameType, name: str) -> tuple[int, Line]:
    """The line of a frame's file that sets a variable, or puts something into it: in a loop, and in this function, if there is one.

    An attribute is set by its owner's methods, too. The number before it says how sure that is.
    """
    file = frame.f_code.co_filename
    known = _settings(file, "".join(linecache.getlines(file, frame.f_globals)))
    lines = known.get(name, ()) or known.get(f"self.{name.rpartition('.')[2]}" if "." in name else "", ())
    first, last = frame.f_code.co_firstlineno, max((n for *_, n in frame.f_code.co_lines() if n), default=0)
    own = [found for found in lines if frame.f_code.co_name == "<module>" or first <= found[1] <= last] or lines
    if not own:
        return 0, Line()
    sure, number = max(own)
    return sure, Line(place(file, number), linecache.getline(file, number).strip())


@functools.lru_cache(maxsize=8)
def _settings(file: str, text: str) -> dict[str, list[tuple[int, int]]]:
    """For each name (a variable or an attribute of one) the lines that set it: (how sure: it is grown, in a loop; the line's number)."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a cell with magics in it
        return {}
    looped = {id(n) for loop in ast.walk(tree) if isinstance(loop, (ast.For, ast.While)) for n in ast.walk(loop)}
    found: dict[str, list[tuple[int, int]]] = {}
    for node in ast.walk(tree):
        for name, grown in _set_by(node):
            found.setdefault(name, []).append((2 * grown + (id(node) in looped), node.lineno))  # type: ignore[attr-defined]
    return found


def _set_by(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """The names that a statement sets, and whether it adds to what they hold."""
    if isinstance(node, ast.AugAssign):
        yield _owner(node.target), True
    elif isinstance(node, ast.Assign):
        read = {ast.unparse(n) for n in ast.walk(node.value) if isinstance(n, (ast.Name, ast.Attribute))}
        for target in node.targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                yield _owner(part), ast.unparse(part) in read
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _GROWING:
        yield _owner(node.func.value), True


def _owner(target: ast.AST) -> str:
    """The variable behind a target: `history["loss"]` is part of `history`."""
    while isinstance(target, (ast.Subscript, ast.Starred)):
        target = target.value
    return ast.unparse(target)
