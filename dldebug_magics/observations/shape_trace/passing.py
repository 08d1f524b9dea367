"""One training step, phase by phase, and a second one behind it: as far as it goes, with the exception where it ends."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import torch
from torch import Tensor

from ...engine.call import own_loss
from ...engine.deadline import in_time
from ...engine.nested import fresh, tensors
from ...engine.split import split
from ...engine.subject import Subject
from ...instruments.forms import Form, forms
from ...instruments.trace import Trace
from .failure import Failure


@dataclasses.dataclass
class Pass:
    """A lent subject put through one step. After `run`, `failure` says where it broke; `outputs` and `loss` what came out before."""

    subject: Subject
    trace: Trace
    phase: str = "forward"
    outputs: tuple[Form, ...] = ()
    loss: Form | None = None
    failure: Failure | None = None

    @property
    def passed(self) -> bool:
        """Whether it went to its end."""
        return self.failure is None

    def run(self, *, again: bool = True) -> Pass:
        """Forward pass and loss under the trace, backward pass and step without it, then all of it once more."""
        try:
            with torch.enable_grad():
                self._step()
                if again and not any(t.is_meta for t in tensors(self.subject.batch)):
                    self.phase, self.trace = "second pass", Trace(self.subject.model, flops=False)
                    self._step()  # a state that is kept from the first pass breaks here
        except Exception as error:  # the user's program crashed: that is what was observed
            self.failure = Failure.of(error, self.phase, self.trace)
        return self

    def _step(self) -> None:
        """One step; a cure's context is entered anew for each, because it counts calls."""
        with contextlib.ExitStack() as stack:
            for context in self.subject.around:
                stack.enter_context(context())
            batch = fresh(self.subject.batch)
            with self.trace:
                loss = self._forward(batch)
            self._backward(loss)

    def _forward(self, batch: Any) -> Any:
        """What the program calls its loss: a tensor, or whatever it gives."""
        in_time(self.subject)
        if self.subject.step is not None:
            return self.subject.step(batch)
        arguments, keywords, targets = split(self.subject, batch)
        output = self.subject.model(*arguments, **keywords)
        self.outputs = self.outputs or forms(output)
        if self.subject.loss_fn is None:
            return own_loss(output) if not isinstance(output, Tensor) else None
        self.phase = self.trace.phase = "loss" if self.phase == "forward" else self.phase
        return self.subject.loss_fn(output, *targets)

    def _backward(self, loss: Any) -> None:
        """The backward pass and the step; nothing without a loss that reaches a parameter."""
        if not isinstance(loss, Tensor):
            return
        self.loss = self.loss or forms(loss)[0]
        if not loss.requires_grad or loss.device.type == "meta":
            return
        in_time(self.subject)
        self.phase = "backward" if self.phase in ("forward", "loss") else self.phase
        loss.backward()
        if self.subject.optimizer is not None:
            self.phase = "step" if self.phase == "backward" else self.phase
            self.subject.optimizer.step()
            self.subject.optimizer.zero_grad()
