"""What a model does that `eval()` should have ended, and the layers that it makes anew in every pass.

Dropout that is at work in evaluation mode is seen in the call itself; whether that is meant is read from the user's line, which either
says `training` or leaves it to torch's default of True.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator

import torch
from torch import nn

from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import DROPOUTS, Call, Calls
from ...instruments.source_lines import Line, where
from ...instruments.strangers import Strangers


@dataclasses.dataclass(frozen=True)
class Active:
    """A call of dropout at work in evaluation mode. `said`: whether the line names `training`; None where it can't be read."""

    function: str
    p: float
    module: str
    line: Line
    said: bool | None

    @property
    def where(self) -> str:
        return where(self.module, self.line)


@dataclasses.dataclass(frozen=True)
class Made:
    """A module made anew in every pass: its class, how many parameters it has and whether they differ from pass to pass."""

    kind: str
    parameters: int
    differs: bool
    drops: bool
    module: str
    line: Line

    @property
    def where(self) -> str:
        return where(self.module, self.line)


@dataclasses.dataclass(frozen=True)
class ModeCard(Observation):
    """Dropout at work in evaluation mode, through functions; and modules made anew in every pass."""

    active: tuple[Active, ...]
    made: tuple[Made, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[ModeCard]:
        """Two forward passes in evaluation mode, with different random numbers."""
        if subject.step is not None:
            return
        subject.model.eval()
        first, second = Strangers(subject.model), Strangers(subject.model)
        for number, watch in enumerate((first, second)):
            seeded(subject.seed + number)
            with torch.enable_grad(), Calls(DROPOUTS | {_ATTENTION}, subject.model) as calls, watch:
                forward(subject, subject.batch)
        others = [row for row in first.anew(second)]
        made = tuple(_made(row, other[0]) for row, other in zip(second.anew(first), others, strict=False))
        layers = {id(m) for m in subject.model.modules() if isinstance(m, nn.modules.dropout._DropoutNd)}
        inside = {row.line for row in made if row.drops}
        active = tuple(_active(c) for c in calls.made if _share(c) > 0 and c.line not in inside and not _is_layer(c, subject, layers))
        yield cls(active, made)


_ATTENTION = "scaled_dot_product_attention"


def _share(call: Call) -> float:
    """The share that a call drops; attention's has no mode, and drops nothing where nothing is said."""
    if call.name == _ATTENTION:
        return float(call.argument(4, "dropout_p", 0.0))
    return float(call.argument(1, "p", 0.5)) if call.argument(2, "training", True) else 0.0


def _is_layer(call: Call, subject: Subject, layers: set[int]) -> bool:
    """Whether a dropout layer of the model made the call: one that stays on was put into training mode by the user."""
    return id(subject.model.get_submodule(call.module)) in layers


def _active(call: Call) -> Active:
    said = False if call.name == _ATTENTION else says_training(call.line.source)
    return Active(call.name, _share(call), call.module, call.line, said)


def says_training(source: str) -> bool | None:
    """Whether a line's calls of dropout say in which mode they are; None where the line is no whole statement.

    >>> says_training("x = F.dropout(x, 0.5)"), says_training("x = F.dropout(x, 0.5, self.training)"), says_training("x = F.dropout(")
    (False, True, None)
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and "dropout" in ast.unparse(node.func).rpartition(".")[2]]
    named = [any(k.arg in ("training", "train", None) for k in call.keywords) or len(call.args) > 2 for call in calls]
    return any(named) if named else None


def _made(row: tuple[nn.Module, str, Line], other: nn.Module) -> Made:
    module, path, line = row
    pairs = list(zip(module.parameters(), other.parameters(), strict=False))
    return Made(
        kind=type(module).__name__,
        parameters=sum(p.numel() for p in module.parameters()),
        differs=any(p.shape == q.shape and not torch.equal(p, q) for p, q in pairs),
        drops=isinstance(module, nn.modules.dropout._DropoutNd) and module.training and module.p > 0,
        module=path,
        line=line,
    )
