"""How a batch becomes a loss: one pass through model and loss, and what came out of it.

Which part of a batch goes where is decided in `split`. Every pass gets a fresh copy of the batch, as every step of a training loop does:
a model that writes to its input (an in-place activation, a `pop` from the dict) would otherwise spoil the frozen batch for the next step.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor

from .deadline import in_time
from .errors import UserMistake
from .nested import fresh
from .split import split
from .subject import Subject

__all__ = ["Passed", "forward", "loss_from", "loss_of", "scalar", "split"]


@dataclasses.dataclass(frozen=True)
class Passed:
    """One pass: what the model gave, what it was compared with (empty where the model keeps its own loss), and the loss."""

    output: Any
    targets: tuple[Any, ...]
    loss: Tensor


def loss_of(subject: Subject, batch: Any = None) -> Passed:
    """Forward pass and loss of one batch (the frozen one unless another is given), inside the subject's contexts."""
    in_time(subject)
    batch = fresh(subject.batch if batch is None else batch)
    with _within(subject.around):
        if subject.step is not None:
            return Passed(None, (), scalar(subject.step(batch), subject, "step"))
        output, targets = _forward(subject, batch)
        return Passed(output, targets, loss_from(subject, output, targets))


def forward(subject: Subject, batch: Any, *, spare: bool = False) -> tuple[Any, tuple[Any, ...]]:
    """The model's output for a batch, inside the subject's contexts, and the targets that were in it.

    spare: nobody needs the batch later, so it is not copied.
    """
    in_time(subject)
    with _within(subject.around):
        return _forward(subject, batch if spare else fresh(batch))


@contextlib.contextmanager
def _within(around: tuple[Callable[[], contextlib.AbstractContextManager], ...]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for context in around:
            stack.enter_context(context())
        yield


def _forward(subject: Subject, batch: Any) -> tuple[Any, tuple[Any, ...]]:
    arguments, keywords, targets = split(subject, batch)
    return subject.model(*arguments, **keywords), targets


def loss_from(subject: Subject, output: Any, targets: tuple[Any, ...]) -> Tensor:
    """The loss of an output: by loss_fn, or the model's own."""
    if subject.loss_fn is not None:
        return scalar(subject.loss_fn(output, *targets), subject, subject.name("loss_fn"))
    own = own_loss(output)
    if own is None:
        model = subject.name("model")
        raise UserMistake(
            f"no loss_fn, and `{model}` returns no scalar `loss`", expected="one of the two", do="name the loss_fn after the model"
        )
    return own.reshape(())


def own_loss(output: Any) -> Tensor | None:
    """The loss in the output of a model that computes it: the output itself, its `loss`, or the one scalar of a tuple.

    >>> import torch
    >>> own_loss((torch.zeros(4, 2), torch.tensor(0.5)))
    tensor(0.5000)
    """
    if isinstance(output, (tuple, list)) and not hasattr(output, "loss"):
        scalars = [item for item in output if isinstance(item, Tensor) and item.ndim == 0]
        return scalars[0] if len(scalars) == 1 else None
    own = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", output)
    return own if isinstance(own, Tensor) and own.numel() == 1 else None


def scalar(loss: Any, subject: Subject, name: str) -> Tensor:
    """The loss as it must be: one number in a tensor."""
    if not isinstance(loss, Tensor):
        seen = "None" if loss is None else f"a {type(loss).__name__}"
        raise UserMistake(f"`{name}` returned {seen}", expected="a tensor with one number", do="return the loss tensor itself")
    if loss.numel() != 1:
        raise UserMistake(f"`{name}` returned a tensor of shape {tuple(loss.shape)}", expected="one number", do="take .mean() of it")
    return loss.reshape(())
