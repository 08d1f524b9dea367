"""A program on paper: the same modules, loss and optimizer, on tensors that have a shape and take no memory.

What would need the memory that it is about must not be tried out on a real copy. Torch's fake tensors go through the same operations as
real ones, autograd and optimizer too, and hold nothing. Who lends a program like that is in `on_paper`.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from . import snapshot
from .nested import tensors
from .subject import Subject


def sheet(subject: Subject) -> Subject:
    """A copy of the subject on paper, tied together as the original is; of one that is on paper, another sheet."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    mode = mode_of(subject) or FakeTensorMode(allow_non_fake_inputs=True)
    taken = [*snapshot.owned(subject), *tensors([subject.batch, subject.val])]
    memo = {**_memo(taken, mode), **_counts(subject, mode)}
    roles = ("model", "loss_fn", "optimizer", "scheduler", "batch", "val")
    with quiet(), mode:
        copies = copy.deepcopy([getattr(subject, role) for role in roles], memo)
    return dataclasses.replace(subject, **dict(zip(roles, copies, strict=True)))


def mode_of(subject: Subject) -> Any:
    """The mode in which a subject on paper runs; None for a real one."""
    places = (*subject.model.parameters(), *subject.model.buffers(), *tensors(subject.batch))
    return next((t.fake_mode for t in places if is_paper(t)), None)


def on(subject: Subject) -> contextlib.AbstractContextManager:
    """The context in which passes of the subject stay on paper, if it is on paper."""
    return mode_of(subject) or contextlib.nullcontext()


def is_paper(tensor: Tensor) -> bool:
    return hasattr(tensor, "fake_mode")


def _memo(taken: list[Tensor], mode: Any) -> dict[int, Tensor]:
    """What each tensor is on paper; those that share memory do so there, too. One on the meta device is taken to be meant for the CPU."""
    memo, places = dict[int, Tensor](), dict[int, Tensor]()
    for tensor in taken:
        if id(tensor) in memo or nn.parameter.is_lazy(tensor):
            continue
        if tensor.layout is not torch.strided or is_traceable_wrapper_subclass(tensor):
            memo |= {} if is_paper(tensor) else {id(tensor): mode.from_tensor(tensor)}
            continue
        storage = tensor.untyped_storage()
        with mode, torch.no_grad():
            if storage._cdata not in places:
                device = "cpu" if tensor.device.type == "meta" else tensor.device
                places[storage._cdata] = torch.empty(storage.nbytes(), dtype=torch.uint8, device=device)
            made = torch.empty(0, dtype=tensor.dtype, device=places[storage._cdata].device)
            made.set_(places[storage._cdata].untyped_storage(), tensor.storage_offset(), tensor.shape, tensor.stride())
        memo[id(tensor)] = _alike(tensor, made)
    return memo


def _counts(subject: Subject, mode: Any) -> dict[int, Tensor]:
    """The steps that an optimizer has counted on the CPU: it looks at these numbers itself, so they are known on paper, too."""
    held = tensors(list(subject.optimizer.state.values()) if subject.optimizer is not None else [])
    seen = {id(t): getattr(t, "constant", None) if is_paper(t) else t for t in held if t.dim() == 0 and t.device.type == "cpu"}
    known = {place: (count.item(), count.dtype) for place, count in seen.items() if count is not None}
    with mode:
        return {place: torch.tensor(number, dtype=dtype) for place, (number, dtype) in known.items()}


def _alike(tensor: Tensor, made: Tensor) -> Tensor:
    """As trainable as the original, and with what was written on it."""
    alike = nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made.requires_grad_(tensor.requires_grad)
    plain = {name: value for name, value in vars(tensor).items() if isinstance(value, (bool, int, float, str)) and not is_paper(tensor)}
    vars(alike).update(plain)
    return alike


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Torch warns of tensors that have no place in memory, and logs what fails on paper before it raises it."""
    log = logging.getLogger("torch._subclasses.fake_tensor")
    before = log.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.disabled = True
        try:
            yield
        finally:
            log.disabled = before
