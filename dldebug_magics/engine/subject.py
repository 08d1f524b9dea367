"""The subject: what the user has, named once. Frozen and never mutated; what is missing is said in the report, never a traceback."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from torch import nn

from .deadline import Pace
from .errors import UserMistake
from .memory import DeviceMemory

_NAMES = {"model": "model", "loss_fn": "loss_fn", "optimizer": "optimizer", "train": "train_loader"}


@dataclasses.dataclass(frozen=True)
class Subject:
    """A model and what it is trained with.

    model: any `torch.nn.Module`. loss_fn: any callable of (output, target); absent when the model returns its own loss (a scalar, or a
    dict or dataclass with `loss`). optimizer: any torch optimizer; absent means the guide's Adam at 3e-4. train, val, test, train_val,
    test_val: a DataLoader, a Dataset, any iterable of batches, or one batch. step: `step(batch) -> loss` for programs that fit nothing
    else. metric: a function of (output, target), or the name of one. human, target: known error levels. history: the losses of its training
    by epoch. names: the user's own words for all of these, for the code that the report suggests.

    scope: what else is alive, by the user's own names. memory: what the device has, where it is not to be asked. device: where copies are
    examined, where that is another place than the model's own; a program that can't be copied stays where it is.

    The rest is for the engine: the frozen `batch` in use, contexts entered `around` each forward pass and loss, the `deadline` (of
    `time.monotonic`) by which a pass must be over, and the `pace` of the passes so far.
    """

    model: Any
    loss_fn: Callable[..., Any] | None = None
    optimizer: Any = None
    train: Any = None
    _: dataclasses.KW_ONLY
    val: Any = None
    test: Any = None
    train_val: Any = None
    test_val: Any = None
    scheduler: Any = None
    metric: Callable[..., Any] | str | None = None
    human: float | None = None
    target: float | None = None
    history: Any = None
    step: Callable[[Any], Any] | None = None
    seed: int = 0
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    scope: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    memory: DeviceMemory | None = None
    device: str = ""
    batch: Any = None
    around: tuple[Callable[[], AbstractContextManager], ...] = ()
    deadline: float = math.inf
    pace: Pace = dataclasses.field(default_factory=Pace, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module):
            raise UserMistake(f"`{self.name('model')}` is {_a(self.model)}", expected="a torch.nn.Module", do="pass the model itself")
        if self.loss_fn is not None and not callable(self.loss_fn):
            raise UserMistake(f"`{self.name('loss_fn')}` is {_a(self.loss_fn)}", expected="a loss that can be called with (output, target)")
        if isinstance(self.loss_fn, type):
            raise UserMistake(f"`{self.name('loss_fn')}` is a class", expected="an instance", do=f"write {self.loss_fn.__name__}()")
        if self.optimizer is not None and not (hasattr(self.optimizer, "param_groups") and hasattr(self.optimizer, "step")):
            raise UserMistake(f"`{self.name('optimizer')}` is {_a(self.optimizer)}", expected="a torch optimizer, or none")
        if self.step is not None and not callable(self.step):
            raise UserMistake(f"step is {_a(self.step)}", expected="a function step(batch) -> loss")

    def name(self, role: str) -> str:
        """The user's own word for a role ("model", "loss_fn", "optimizer", "train"), or the usual one."""
        return self.names.get(role) or _NAMES.get(role, role)


def _a(thing: Any) -> str:
    """'a str', 'an int', 'None': what a thing is, for a message.

    >>> _a("net"), _a(3), _a(None)
    ('a str', 'an int', 'None')
    """
    if thing is None:
        return "None"
    word = type(thing).__name__
    return f"{'an' if word[0].lower() in 'aeiou' else 'a'} {word}"
