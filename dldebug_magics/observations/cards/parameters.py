"""Who learns: every parameter held against the loss's graph, the optimizer, and its effect on the loss.

The graph's leaves say what a gradient reaches; identities say what the optimizer steps; a nudge says whether a parameter that no gradient
reaches has an effect all the same (cut off) or none (unused). Finds layers that are not registered, too: leaves without a name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.graph import leaves
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import DETACHING, Call, Calls
from ...instruments.source_lines import Line

_MOST = 64  # parameters that are nudged one by one


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter: registered under `name`, or found at `name` in a plain container. `moves_loss` is None where it was not asked."""

    name: str
    size: int
    registered: bool
    requires_grad: bool
    in_graph: bool
    in_optimizer: bool
    moves_loss: bool | None = None


@dataclasses.dataclass(frozen=True)
class Cut:
    """A call that ends the graph: what (`detach`, `data`, `no_grad`, ...), in which module, on which of the user's lines."""

    kind: str
    module: str
    line: Line


@dataclasses.dataclass(frozen=True)
class ParameterCard(Observation):
    """All parameters; how many the optimizer holds that belong to nothing here; and the lines where the graph may have been cut."""

    parameters: tuple[Parameter, ...]
    strangers: int
    loss_has_graph: bool
    cuts: tuple[Cut, ...]

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[ParameterCard]:
        """One forward pass, then a nudged one for each parameter that no gradient reaches."""
        seeded(subject.seed)
        with torch.enable_grad(), Calls(DETACHING, subject.model) as calls:
            loss = loss_of(subject).loss
        reached = {id(t): t for t in leaves(loss)}
        held = {id(p) for g in subject.optimizer.param_groups for p in g["params"]} if subject.optimizer is not None else None
        own = _named(subject)
        hidden = {id(t): name for name, t in _in_containers(subject.model) if id(t) not in own}
        cut_off = [t for i, (_, t) in own.items() if i not in reached and t.is_floating_point()]
        effects = _effects(subject, cut_off)
        rows = [(name, t, True) for name, t in own.values()]
        rows += [(hidden.get(i, "a tensor outside the model"), t, False) for i, t in reached.items() if i not in own]
        listed = tuple(
            Parameter(name, t.numel(), kept, t.requires_grad, id(t) in reached, kept if held is None else id(t) in held, effects.get(id(t)))
            for name, t, kept in rows
        )
        strangers = 0 if held is None else len(held - own.keys() - reached.keys())
        yield cls(listed, strangers, loss.requires_grad, tuple(_cut(call) for call in calls.made if _cuts(call)))

    def named(self, *, registered: bool = True, in_graph: bool | None = None) -> list[Parameter]:
        """The parameters of one kind."""
        return [p for p in self.parameters if p.registered is registered and in_graph in (None, p.in_graph)]


def follows(some: list[Parameter], others: list[Parameter]) -> bool:
    """Whether each of some parameters has its like among others: the name from the second part on, and the size."""
    return {(p.name.partition(".")[2], p.size) for p in some} <= {(p.name.partition(".")[2], p.size) for p in others}


def _named(subject: Subject) -> dict[int, tuple[str, Tensor]]:
    """id -> (name, parameter) for model and loss, each parameter once."""
    pairs = [*subject.model.named_parameters()]
    if isinstance(subject.loss_fn, nn.Module):
        pairs += [(f"{subject.name('loss_fn')}.{name}", p) for name, p in subject.loss_fn.named_parameters()]
    return {id(p): (name, p) for name, p in pairs}


def _in_containers(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters of modules that stand in plain lists and dicts, with a path as the user would write it."""
    for path, module in model.named_modules():
        for attribute, value in vars(module).items():
            if attribute not in ("_modules", "_parameters", "_buffers"):
                yield from _inside(f"{path}.{attribute}".lstrip("."), value)


def _inside(path: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, nn.Module):
        yield from ((f"{path}.{name}", p) for name, p in value.named_parameters())
    elif isinstance(value, Tensor) and value.is_leaf and value.requires_grad:
        yield path, value
    elif isinstance(value, (list, tuple, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _inside(f"{path}[{key!r}]", item)


def _effects(subject: Subject, parameters: list[Tensor]) -> dict[int, bool]:
    """Whether the loss moves when a parameter is nudged, everything else and the random numbers being equal."""
    if not parameters or not _moves(subject, parameters):
        return {id(p): False for p in parameters}
    return {id(p): _moves(subject, [p]) for p in parameters[:_MOST]}


def _moves(subject: Subject, parameters: list[Tensor]) -> bool:
    kept = [p.detach().clone() for p in parameters]
    before = _value(subject)
    for p in parameters:
        p.data.add_(torch.empty_like(p).uniform_(0.5, 1.5) * (p.detach().abs().mean() + 0.1))
    try:
        after = _value(subject)
    except ValueError:  # the nudge left the range that a distribution allows: nothing is known
        after = before
    for p, values in zip(parameters, kept, strict=True):
        p.data.copy_(values)
    return before != after and not (before != before and after != after)


def _value(subject: Subject) -> float:
    seeded(subject.seed)
    with torch.enable_grad():
        return float(loss_of(subject).loss.detach())


def _cuts(call: Call) -> bool:
    """Whether this call ends a graph: grad mode switched off, or a tensor taken out that had one."""
    if call.name == "_set_grad_enabled":
        return bool(call.arguments) and call.arguments[0] is False
    return bool(call.arguments) and isinstance(call.arguments[0], Tensor) and call.arguments[0].requires_grad


def _cut(call: Call) -> Cut:
    return Cut("no_grad" if call.name == "_set_grad_enabled" else call.name, call.module, call.line)
