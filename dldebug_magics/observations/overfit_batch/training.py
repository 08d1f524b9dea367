"""Training on one frozen batch, as the user's loop would: same loss, same optimizer, same settings, modes as found.

Recorded at the price of one `item()` a step; update sizes are looked at in steps 1, 2, 4, 8, ... only, so that recording stays cheap.
"""

from __future__ import annotations

import dataclasses
import inspect
import traceback
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...engine.call import loss_of
from ...engine.deadline import way_back_in_time
from ...engine.default_optimizer import with_optimizer
from ...engine.errors import UserMistake
from ...engine.subject import Subject
from ...instruments.source_lines import raising_line, users_part


@dataclasses.dataclass(frozen=True)
class Crash:
    """An exception of the user's program: in which part of a step, what, where, and its traceback as text."""

    part: str
    step: int
    kind: str
    message: str
    line: str
    traceback: str

    @classmethod
    def of(cls, error: Exception, part: str, step: int) -> Crash:
        """Write an exception down."""
        text = "".join(traceback.format_exception(type(error), error, users_part(error)))
        return cls(part, step, type(error).__name__, str(error), raising_line(error), text)


class Training:
    """One run. Iterating over it trains a step at a time and gives the loss; it ends early when a step crashes (`crash`)."""

    def __init__(self, subject: Subject):
        self.subject = subject
        self.parameters = [p for p in subject.model.parameters() if p.requires_grad]
        self.crash: Crash | None = None
        self.losses: list[float] = []
        self.updates: list[tuple[int, float]] = []
        self.part = "optimizer"

    def __iter__(self) -> Iterator[float]:
        try:
            optimizer = ready(self.subject)
            while True:
                yield self._step(optimizer)
        except UserMistake:
            raise
        except Exception as error:  # the user's program crashed: that is what was observed
            self.crash = Crash.of(error, self.part, len(self.losses))

    def _step(self, optimizer: torch.optim.Optimizer) -> float:
        number = len(self.losses)
        looked_at = number & (number - 1) == 0 and all(not isinstance(p, nn.UninitializedParameter) for p in self.parameters)
        before = [p.detach().clone() for p in self.parameters] if looked_at else []
        seen: list[Tensor] = []

        def closure() -> Tensor:
            self.part = "forward pass or loss"
            optimizer.zero_grad(set_to_none=True)
            with torch.enable_grad():
                loss = loss_of(self.subject).loss
                way_back_in_time(self.subject)
                self.part = "backward pass"
                loss.backward()
            self.part = "optimizer step"
            seen.append(loss.detach())
            return loss

        if _wants_closure(optimizer):
            optimizer.step(closure)  # type: ignore[arg-type]
        else:
            closure()
            optimizer.step()
        if before:
            self.updates.append((number, _relative_change(self.parameters, before)))
        self.losses.append(float(seen[0]))
        return self.losses[-1]


def ready(subject: Subject) -> torch.optim.Optimizer:
    """The run's optimizer with its rate held at the schedule's peak."""
    optimizer = with_optimizer(subject).optimizer
    for group in optimizer.param_groups:
        if isinstance(group.get("lr"), (int, float)):
            group["lr"] = peak(group)
    return optimizer


def peak(group: dict) -> float:
    """The highest rate that a group's schedule gives it: a warm-up starts near zero, and a test of one batch needs the real rate.

    >>> peak({"lr": 0.0, "initial_lr": 1e-3}), peak({"lr": 4e-5, "initial_lr": 4e-5, "max_lr": 1e-3}), peak({"lr": 0.1})
    (0.001, 0.001, 0.1)
    """
    return max((group[key] for key in ("lr", "initial_lr", "max_lr") if key in group), key=abs)


def _wants_closure(optimizer: torch.optim.Optimizer) -> bool:
    taken = inspect.signature(type(optimizer).step).parameters.get("closure")
    return taken is not None and taken.default is taken.empty


def _relative_change(parameters: list[nn.Parameter], before: list[Tensor]) -> float:
    """|new - old| / |old| over all parameters together."""
    moved = sum(float((p.detach() - b).abs().float().square().sum()) for p, b in zip(parameters, before, strict=True))
    size = sum(float(b.abs().float().square().sum()) for b in before)
    return (moved / size) ** 0.5 if size else 0.0
