"""One step of training or evaluation with every tensor booked, as a loop would take it: the batch, the output and the loss stay in their
variables until the next ones replace them.

    for x, y in loader:
        output = model(x)
        loss = loss_fn(output, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ...engine import snapshot
from ...engine.call import loss_from, scalar, split
from ...engine.deadline import in_time
from ...engine.default_optimizer import with_optimizer
from ...engine.nested import tensors
from ...engine.paper import on
from ...engine.subject import Subject
from ...instruments.ledger import Ledger
from ...instruments.module_spans import ModuleSpans
from ...instruments.moments import ACTIVATIONS, BATCH, BUFFERS, GRADIENTS, PARAMETERS, STATE
from .usage import Usage, module_uses


def training(subject: Subject, micro_batches: int = 1) -> Usage:
    """A step of training once the optimizer has its state. It changes the subject, which is lent.

    micro_batches: how many backward passes before the optimizer's step.
    """
    with on(subject):
        subject = with_optimizer(subject)
        with _booked(subject) as step, torch.enable_grad():
            first = step.trained(1)
            step.ledger.clear()
            usage = step.trained(micro_batches)
    return dataclasses.replace(usage, first_pass=first.first_pass)


def evaluation(subject: Subject, state: int = 0, gradients: bool = False) -> Usage:
    """A pass of evaluation between two epochs, when the optimizer's state stays where it is.

    state: the bytes that the optimizer will hold by then. gradients: whether the pass keeps a graph, as without `torch.no_grad()`.
    """
    modes = [(module, module.training) for module in subject.model.modules()]
    subject.model.eval()
    with on(subject), _booked(subject) as step, torch.set_grad_enabled(gradients):
        step.ledger.expect(STATE, state)
        step.passed()
    for module, mode in modes:
        module.training = mode
    return Usage(tuple(step.ledger.moments.values()))


@contextlib.contextmanager
def _booked(subject: Subject) -> Iterator[_Step]:
    """A step of the subject with what is there before it booked."""
    spans = ModuleSpans(subject.model)
    ledger = Ledger(spans)
    parts = [part for part in (subject.model, subject.loss_fn) if isinstance(part, nn.Module)]
    parameters = [p for part in parts for p in part.parameters() if not nn.parameter.is_lazy(p)]
    for parameter in parameters:
        parameter.grad = None
    ledger.enter(parameters, PARAMETERS)
    ledger.enter((b for part in parts for b in part.buffers() if not nn.parameter.is_lazy(b)), BUFFERS)
    ledger.enter(tensors(list(subject.optimizer.state.values()) if subject.optimizer is not None else []), STATE)
    ledger.enter((t for t in snapshot.owned(subject) if not nn.parameter.is_lazy(t)), BUFFERS)
    ledger.enter(tensors(subject.batch), BATCH)
    handles = [p.register_post_accumulate_grad_hook(lambda p: ledger.rebook([p.grad], GRADIENTS)) for p in parameters if p.requires_grad]
    try:
        with spans.attached(), ledger:
            yield _Step(subject, ledger)
    finally:
        for handle in handles:
            handle.remove()


class _Step:
    """The loop's body, and its variables."""

    def __init__(self, subject: Subject, ledger: Ledger):
        self.subject, self.ledger = subject, ledger
        self.output: Any = None
        self.loss: Tensor | None = None

    def passed(self) -> Tensor:
        """Forward pass and loss."""
        in_time(self.subject)
        with contextlib.ExitStack() as stack:
            for context in self.subject.around:
                stack.enter_context(context())
            self.ledger.phase = "forward pass"
            if self.subject.step is not None:
                self.loss = scalar(self.subject.step(self.subject.batch), self.subject, "step")
                return self.loss
            arguments, keywords, targets = split(self.subject, self.subject.batch)
            self.output = self.subject.model(*arguments, **keywords)
            self.ledger.phase = "loss"
            self.loss = loss_from(self.subject, self.output, targets)
        return self.loss

    def trained(self, micro_batches: int) -> Usage:
        """A whole step; what was used until then is in the ledger."""
        seen: list[Usage] = []

        def closure() -> Tensor:
            for _ in range(micro_batches):
                loss = self.passed()
                kept = self.ledger.by_module(ACTIVATIONS)
                self.ledger.phase = "backward pass"
                loss.backward()
            self.ledger.phase = "optimizer step"
            modules = module_uses(self.subject, kept)
            seen.append(Usage(first_pass=self.ledger.peak.total, gradients=self.ledger.kinds[GRADIENTS], modules=modules))
            return loss

        optimizer: Any = self.subject.optimizer
        _stepped(optimizer, closure)
        self.ledger.rebook(tensors(list(optimizer.state.values())), STATE)
        state = self.ledger.kinds[STATE]
        optimizer.zero_grad(set_to_none=True)
        return dataclasses.replace(seen[0], moments=tuple(self.ledger.moments.values()), state=state)


def _stepped(optimizer: torch.optim.Optimizer, closure: Callable[[], Tensor]) -> None:
    taken = inspect.signature(type(optimizer).step).parameters.get("closure")
    if taken is not None and taken.default is taken.empty:
        optimizer.step(closure)  # type: ignore[arg-type]
    else:
        closure()
        optimizer.step()
