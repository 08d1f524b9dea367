"""What is to be written otherwise in a line of a loop, as edits of the user's own source."""

from __future__ import annotations

import ast

from ...engine.edits import Argument, Attach, Edit, Either, Enclose, Part, Replace
from ...instruments.source_lines import Line
from ...instruments.watch.spoilt import Spoilt
from . import words

_INSIDE = {"log": "{}.clamp(min=1e-8)", "division": "({} + 1e-8)", "sqrt": "({} + 1e-8)", "exp": "{}.clamp(max=80)"}


def without_graph(line: Line) -> tuple[Edit, ...]:
    """What is added up or collected, cut off its graph, where it is one value: a tensor still, for whoever reads it later."""
    given = [argument for call in words.calls(line, "append") for argument in call.args]
    plain = not any(isinstance(argument, ast.Tuple | ast.List | ast.Dict) for argument in given)
    part = Part("append", 0) if given else Part()
    return (Enclose(line.spot, part, "{}.detach()"),) if plain and ("+=" in line.source or given) else ()


def inside_its_domain(line: Line, seen: Spoilt) -> tuple[Edit, ...]:
    """What an operation is given, kept off the edge of its domain; nothing where a library calls it, and no line of the user's."""
    divides = seen.operation == "division"
    part = Part("/", 1) if divides else words.given(line, seen.operation)
    written = "/" in line.source if divides else bool(words.calls(line, seen.operation))
    known = written and seen.operation in _INSIDE and seen.because != "inputs"
    return (Enclose(line.spot, part, _INSIDE[seen.operation]),) if known else ()


def without_argument(line: Line, argument: str) -> tuple[str, tuple[Edit, ...]]:
    """A call without an argument that is written like this."""
    code = line.source.replace(argument, "").replace("(, ", "(").replace(", )", ")")
    ways = (f", {argument}", f"{argument}, ", argument)
    return code, (Either(tuple(Replace(line.spot, way, "") for way in ways)),)


def divided(line: Line, number: int) -> tuple[Edit, ...]:
    """The loss of a backward pass, divided."""
    return (Enclose(line.spot, words.given(line, "backward"), f"({{}} / {number})"),)


def shuffled(line: Line, loader: str) -> tuple[Edit, ...]:
    """The loader made anew with `shuffle=True`, where its making is the only one of its name in the file that goes through it."""
    return (Argument(line.spot, "DataLoader", "shuffle", "True", 2, f"set:{loader}"),) if loader else ()


def frozen(line: Line, attribute: str) -> tuple[Edit, ...]:
    """The method in place of an attribute that freezes nothing, where one statement of the line's file sets that."""
    said = attribute.rpartition(".")[2]
    return (Replace(line.spot, f".{said} = False", ".requires_grad_(False)", f"attribute:{said}"),)


def called(line: Line, old: str, new: str) -> tuple[Edit, ...]:
    """Another thing called in a line."""
    return (Replace(line.spot, f"{old}(", f"{new}("),) if old and new else ()


def attached(line: Line) -> tuple[Edit, ...]:
    """The loss of a backward pass with its graph, where the line that sets it cuts that off."""
    loss = words.owner(line, "backward")
    return (Attach(line.spot, f"last:{loss}"),) if loss.isidentifier() else ()


def kept_in_graph(line: Line) -> tuple[Edit, ...]:
    """What a line makes, no longer cut off its graph."""
    return tuple(Replace(line.spot, cut, "") for cut in (".detach()", ".data") if cut in line.source)
