"""Whether what enters the loss comes straight out of a dropout."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.edits import Edit
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import DROPOUTS, LOSSES, Call, Calls, closing
from ...instruments.ready_edits import left_out
from ...instruments.source_edits import module_expression, without_call
from ...instruments.source_lines import where

_SQUASHING = frozenset(("softmax", "log_softmax", "sigmoid", "logsigmoid"))


@dataclasses.dataclass(frozen=True)
class LastDropout(Observation):
    """A dropout at work right before the loss: function, how-manieth call of it, probability, place, and the line without it."""

    name: str
    index: int
    probability: float
    where: str
    taken_out: str
    edits: tuple[Edit, ...] = ()

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[LastDropout]:
        """One forward pass and loss, as found; nothing where no dropout stands there."""
        seeded(subject.seed)
        with torch.enable_grad(), Calls(DROPOUTS | LOSSES | _SQUASHING, subject.model) as calls:
            passed = loss_of(subject)
        call = next(reversed(calls.named_in(LOSSES)), None)
        outputs = [t for t in tensors(passed.output) if t.is_floating_point()]
        entering = call.argument(0, "input") if call is not None else next(iter(outputs), None)
        dropped = _behind(entering, calls) if isinstance(entering, Tensor) else None
        if dropped is not None and float(dropped.argument(1, "p", 0.5)) > 0 and bool(dropped.argument(2, "training", True)):
            own = dropped.module and type(subject.model.get_submodule(dropped.module)).__module__ == "torch.nn.modules.dropout"
            expression = module_expression(subject.name("model"), dropped.module) if own else ""
            line = without_call(dropped.line.source, dropped.name) or "return logits   # not dropout(logits)"
            yield cls(
                name=dropped.name,
                index=dropped.index,
                probability=float(dropped.argument(1, "p", 0.5)),
                where=where(expression or dropped.module, dropped.line),
                taken_out=f"{expression} = torch.nn.Identity()   # the dropout taken out" if expression else line,
                edits=() if expression else left_out(dropped.line.spot, dropped.name),
            )


def _behind(entering: Tensor, calls: Calls) -> Call | None:
    """The dropout that a tensor comes from, straight or through the function that makes probabilities of it."""
    last = closing(entering, calls.named_in(DROPOUTS | _SQUASHING))
    if last is not None and last.name in _SQUASHING and isinstance(last.argument(0, "input"), Tensor):
        last = closing(last.argument(0, "input"), calls.named_in(DROPOUTS))
    return last if last is not None and last.name in DROPOUTS else None
