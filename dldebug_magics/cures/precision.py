"""The same program in float32: parameters, batch, optimizer state, and whatever is cast down on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..engine.nested import mapped
from ..engine.subject import Subject
from ..instruments.calls import name_of
from ..instruments.half_values import as_float32, without_autocast


class InFloat32(TorchFunctionMode):
    """While active nothing is computed in float16: autocast is off, and a cast to float16 is one to float32."""

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        given, named = mapped((args, kwargs or {}), as_float32)
        if name_of(function) == "half":
            return given[0].float()
        given = tuple(torch.float32 if a is torch.float16 else a for a in given)
        named = {key: torch.float32 if value is torch.float16 else value for key, value in named.items()}
        with without_autocast():
            return function(*given, **named)


def in_float32(subject: Subject) -> Subject:
    """All that is float16 made float32; other precisions are left alone."""
    for part in (subject.model, subject.loss_fn):
        for tensor in [*part.parameters(), *part.buffers()] if isinstance(part, nn.Module) else []:
            tensor.data = as_float32(tensor.data)
            tensor.grad = None
    for state in subject.optimizer.state.values() if subject.optimizer is not None else ():
        state.update({key: as_float32(value) for key, value in state.items() if isinstance(value, Tensor)})
    return dataclasses.replace(subject, batch=mapped(subject.batch, as_float32), around=(*subject.around, InFloat32))
