"""Changes that many causes ask for, as edits of the user's own source: in the line that was seen, or where their data and loaders are made.

There are none where no line of theirs was seen, or where it is not read for certain.
"""

from __future__ import annotations

import ast

from ..engine.edits import Argument, Edit, Either, Enclose, Hoist, Part, Refused, Replace, Unwrap, making
from ..engine.edits.parts import calls_of
from .source_lines import Line, Spot

_MODULES = {"F", "torch", "functional", "nn"}
_INSIDE = {"log": "{}.clamp(min=1e-6)", "sqrt": "{}.clamp(min=1e-6)", "exp": "{}.clamp(max=80)"}  # by the family of the operation
_PLACES = {"shuffle": 2, "drop_last": 8}  # of the arguments of a DataLoader


def left_out(spot: Spot, name: str) -> tuple[Edit, ...]:
    """A call left out of a line, what it was given or was called on in its place."""
    return (Unwrap(spot, name.rstrip("_")),) if spot[0] else ()


def called_otherwise(line: Line, old: str, new: str) -> tuple[Edit, ...]:
    """Another function called in a line."""
    return (Replace(line.spot, f"{old}(", f"{new}("),) if line.spot[0] and not line.source.count(new) else ()


def along(line: Line, name: str, axes: object) -> tuple[Edit, ...]:
    """A call over other axes, in its method's or its function's place for them."""
    found = _calls(line, name)
    known = len(found) == 1 and not any(k.arg == "axis" for k in found[0].keywords)
    return (Argument(line.spot, name, "dim", str(axes), int(_is_function(found[0]))),) if known else ()


def guarded(line: Line, name: str, kind: str) -> tuple[Edit, ...]:
    """What an operation is given, kept off the edge of its domain."""
    if kind == "div" and "/" in line.source and line.spot[0]:
        return (Enclose(line.spot, Part("/", 1), "({} + 1e-6)"),)
    found = _calls(line, name)
    known = len(found) == 1 and kind in _INSIDE
    return (Enclose(line.spot, Part(name, 0 if _is_function(found[0]) else None), _INSIDE[kind]),) if known else ()


def hoisted(line: Line, kind: str, otherwise: str = "") -> tuple[Edit, ...]:
    """A layer that a line makes, made in `__init__`; or, where that can't be, with something behind its making."""
    once = Hoist(line.spot, kind)
    if not line.spot[0]:
        return ()
    return (Either((once, Enclose(line.spot, Part(kind, "()"), f"{{}}{otherwise}"))) if otherwise else once,)


def behind_dot(line: Line, name: str, call: str) -> tuple[Edit, ...]:
    """Another method for the only one of this name in a line: `x.view(4, -1)` becomes `x.permute(1, 0)`."""
    found = [c for c in _calls(line, name) if not _is_function(c)]
    if len(found) != 1 or not isinstance(found[0].func, ast.Attribute):
        return ()
    whole, before = (ast.get_source_segment(line.source, node) or "" for node in (found[0], found[0].func.value))
    return (Replace(line.spot, whole, f"{before}.{call}"),) if whole and before else ()


def in_data(data: str, place: int, form: str) -> tuple[Edit, ...]:
    """The inputs (0) or the targets (1) of a set otherwise, where it is made of tensors: a `TensorDataset`, or a batch as a pair."""
    return (Either((Enclose(making(data), Part("TensorDataset", place), form), Enclose(making(data, 0), Part("", place), form))),)


def loaded(loader: str, argument: str, value: str) -> tuple[Edit, ...]:
    """Another argument of the `DataLoader`."""
    return (Argument(making(loader), "DataLoader", argument, value, _PLACES[argument]),)


def turned(loss: str) -> tuple[Edit, ...]:
    """The other sign of what a loss of the user's gives: a lambda, or a function with one `return`."""
    return (Either((Enclose(making(loss, 0), Part("lambda"), "-{}"), Enclose(making(loss, 0), Part(), "-{}", "return:"))),)


def of_a_mean(loss: str) -> tuple[Edit, ...]:
    """The mean for the sum, where a loss is made."""
    return (Either(tuple(Replace(making(loss), f"{q}sum{q}", f"{q}mean{q}") for q in ('"', "'"))),)


def listed(model: str, attribute: str) -> tuple[Edit, ...]:
    """The layers of a plain list in a list that a model knows."""
    ways = (Enclose(making(model), Part(), form, f"attribute:{attribute}") for form in ("nn.ModuleList({})", "torch.nn.ModuleList({})"))
    return (Either(tuple(ways)),)


def _calls(line: Line, name: str) -> list[ast.Call]:
    try:
        return calls_of(line.source, name) if line.spot[0] else []
    except Refused:
        return []


def _is_function(call: ast.Call) -> bool:
    """Whether a call is one of torch's functions, which is given the tensor."""
    return not isinstance(call.func, ast.Attribute) or ast.unparse(call.func.value).rpartition(".")[2] in _MODULES
