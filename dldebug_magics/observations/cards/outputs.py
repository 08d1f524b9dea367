"""What goes into the loss: its range, what its rows sum to, the activation it comes from, and the loss function that takes it.

Looked at where it enters torch's loss function, so that a softmax in the model and one in the user's own loss are the same thing. A
hand-written loss is not recognised; then the model's output itself is described.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import Passed, loss_of
from ...engine.edits import Edit
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.broadcasts import Broadcast, Broadcasts
from ...instruments.calls import ACTIVATIONS, LOSSES, Call, Calls, closing
from ...instruments.ready_edits import left_out
from ...instruments.source_edits import module_expression, without_call
from ...instruments.source_lines import Line, where


@dataclasses.dataclass(frozen=True)
class Closing:
    """The activation whose result enters the loss: function, how-manieth call of it, module path, user's line, and `expression`, the
    user's words for the activation's own module where it has one.
    """

    name: str
    index: int
    module: str
    line: Line
    expression: str
    rectifies: bool

    @property
    def where(self) -> str:
        return where(self.expression or self.module, self.line)

    @property
    def taken_out(self) -> str:
        """The changed line: without this activation."""
        if self.expression:
            return f"{self.expression} = torch.nn.Identity()   # {self.name} taken out"
        return without_call(self.line.source, self.name) or f"{self.line.source}   # without {self.name}"

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The same in the user's own line, where the activation has no module of its own."""
        return () if self.expression else left_out(self.line.spot, self.name)


@dataclasses.dataclass(frozen=True)
class OutputCard(Observation):
    """Plain numbers about the tensor that enters the loss. `loss` names torch's loss function, or is empty where none was recognised.

    A likelihood loss behind a log_softmax is a cross entropy in two steps, and is described as one.
    """

    loss: str
    shape: tuple[int, ...]
    minimum: float
    maximum: float
    zero_share: float
    row_sum: float
    rows_sum_to_one: bool
    row_logsumexp: float
    log_probabilities: bool
    closing: Closing | None
    target_range: tuple[float, float] | None
    target_is_classes: bool
    negated: bool
    broadcast: Broadcast | None

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[OutputCard]:
        """One forward pass and loss, as found."""
        seeded(subject.seed)
        with torch.enable_grad(), Broadcasts() as broadcasts, Calls(ACTIVATIONS | LOSSES, subject.model) as calls:
            passed = loss_of(subject)
        call = next(reversed(calls.named_in(LOSSES)), None)
        entering = call.argument(0, "input") if call is not None else _main(passed.output)
        last = closing(entering, calls.named_in(ACTIVATIONS)) if isinstance(entering, Tensor) else None
        two_in_one = call is not None and call.name == "nll_loss" and last is not None and last.name == "log_softmax"
        if two_in_one and last is not None:
            entering = last.argument(0, "input")
        if isinstance(entering, Tensor) and entering.is_floating_point() and entering.numel():
            last, target = closing(entering, calls.named_in(ACTIVATIONS)), _target(call, passed)
            yield cls(
                loss="cross_entropy" if two_in_one else call.name if call is not None else "",
                **_numbers(entering.detach().float(), torch.finfo(entering.dtype).eps),
                closing=None if last is None else _closing(last, subject),
                target_range=None if target is None else (float(target.min()), float(target.max())),
                target_is_classes=target is not None and not target.is_floating_point(),
                negated=call is not None and _negates(passed.loss, call),
                broadcast=next(iter(broadcasts.seen), None),
            )

    def goes_into(self, *losses: str) -> bool:
        """Whether one of these torch functions takes the output."""
        return self.loss in losses


def _closing(call: Call, subject: Subject) -> Closing:
    own = type(subject.model.get_submodule(call.module)).__module__ == "torch.nn.modules.activation"
    expression = module_expression(subject.name("model"), call.module) if own else ""
    return Closing(call.name, call.index, call.module, call.line, expression, call.rectifies)


def _main(output: object) -> Tensor | None:
    """The first floating-point tensor of an output that may be nested."""
    return next((t for t in tensors(output) if t.is_floating_point()), None)


def _target(call: Call | None, passed: Passed) -> Tensor | None:
    """What the output is compared with, where that is a tensor of real numbers."""
    target = call.argument(1, "target") if call is not None else next(tensors(passed.targets), None)
    return target if isinstance(target, Tensor) and target.numel() and not target.is_complex() else None


def _numbers(values: Tensor, precision: float) -> dict[str, Any]:
    """The card's plain numbers; a row is one sample's classes, which stand on the second axis."""
    rows = values.movedim(1, -1) if values.ndim > 1 else values.reshape(-1, 1)
    sums, normaliser = rows.sum(-1), float(rows.logsumexp(-1).abs().max())
    sum_to_one = rows.shape[-1] > 1 and bool(values.min() >= 0) and torch.allclose(sums, torch.ones_like(sums), atol=1e-3)
    return {
        "shape": tuple(values.shape),
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "zero_share": float((values == 0).float().mean()),
        "row_sum": float(sums.mean()),
        "rows_sum_to_one": sum_to_one,
        "row_logsumexp": normaliser,
        "log_probabilities": normaliser < max(1e-2, 20 * precision),
    }


def _negates(loss: Tensor, call: Call) -> bool:
    value = call.result.detach().float()
    return value.numel() == 1 and float(value) != 0 and bool(torch.isclose(loss.detach().float(), -value.reshape(())))
