"""What the user's own lines call the things of the loop, so that a new line can say it in their words."""

from __future__ import annotations

import ast

from ...engine.edits import Part, Refused, tree_of
from ...instruments.source_lines import NOWHERE, Line
from ...instruments.watch.events import Begun
from ...instruments.watch.updates import Stepped
from . import TrainingLoop


def calls(line: Line, name: str = "") -> list[ast.Call]:
    """The calls in a line, or those of a function or method of this name; none where the line is no statement by itself."""
    try:
        found = ast.walk(tree_of(line.source))
    except Refused:
        return []
    return [node for node in found if isinstance(node, ast.Call) and name in ("", ast.unparse(node.func).rpartition(".")[2])]


def owner(line: Line, method: str) -> str:
    """What a method is called on in a line; empty where that is not to be seen.

    >>> owner(Line("", "self.opt.zero_grad()"), "zero_grad"), owner(Line("", "train(net)"), "zero_grad")
    ('self.opt', '')
    """
    found = {ast.unparse(call.func.value) for call in calls(line, method) if isinstance(call.func, ast.Attribute)}
    return found.pop() if len(found) == 1 else ""


def optimizer(step: Stepped) -> str:
    """What the line that took a step calls the optimizer: before the dot, or what a scaler is given."""
    given = [ast.unparse(argument) for call in calls(step.line, "step") for argument in call.args]
    return "" if step.closure else given[0] if len(given) == 1 else owner(step.line, "step")


def loss_function(line: Line) -> str:
    """What the line of a loss calls its function: the only call that is given two things.

    >>> loss_function(Line("", "loss = self.criterion(net(x), y)"))
    'self.criterion'
    """
    given = [call for call in calls(line) if len(call.args) > 1]
    return ast.unparse(given[0].func) if len(given) == 1 else ""


def epoch(loop: TrainingLoop) -> Line:
    """The line that goes through the loader which feeds the training; none where there is no loader."""
    most = max(loop.fed, default=0)
    lines = [e.line for e in loop.of(Begun) if loop.fed[e.loader] == most > 0 and loop.begun[e.loader] > 1]
    return lines[-1] if lines else NOWHERE


def given(line: Line, function: str) -> Part:
    """What a function works on in a line: its first argument, or what stands before the dot.

    >>> given(Line("", "loss.backward()"), "backward").argument, given(Line("", "fabric.backward(loss)"), "backward").argument
    (None, 0)
    """
    return Part(function, 0 if any(call.args for call in calls(line, function)) else None)
