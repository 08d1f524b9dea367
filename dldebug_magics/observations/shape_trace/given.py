"""The batch that is traced: as it was given, cut to what the model takes, or made up from shapes that were typed."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import torch
from torch import nn

from ...engine.batch import is_one_batch
from ...engine.errors import UserMistake
from ...engine.examine import device_of
from ...engine.split import parameters
from ...engine.subject import Subject

_SHAPE = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)=)?(?P<shape>\d+(?:x\d+)*)(?::(?P<dtype>\w+))?")


def given(subject: Subject, typed: str, dtype: str) -> Subject:
    """The subject with the batch to trace."""
    if typed:
        return dataclasses.replace(subject, train=made_up(typed, dtype, device_of(subject)))
    source = subject.train
    if subject.loss_fn is None and subject.step is None and isinstance(source, (tuple, list)) and is_one_batch(source):
        takes = _takes(getattr(subject.model, "_orig_mod", subject.model))
        return dataclasses.replace(subject, train=tuple(source[:takes]))
    return subject


def _takes(model: nn.Module) -> int | None:
    """How many inputs a model takes; None where it takes any, or where asking for its forward would leave a mark on it."""
    named = None if isinstance(model, torch.jit.ScriptModule) else parameters(model.forward)
    return len(named) if named else None


def made_up(typed: str, dtype: str, device: torch.device | None) -> Any:
    """Tensors of the typed shapes: one, several, or several by name. Floats are random, whole numbers are zero.

    >>> made_up("2x3, 4:int64", "float32", None)[1]
    tensor([0, 0, 0, 0])
    >>> sorted(made_up("ids=2x5:int64,mask=2x5", "float32", None))
    ['ids', 'mask']
    """
    pieces = [piece for piece in re.split(r"[,\s]+", typed.strip("\"'() ")) if piece]
    found = [_SHAPE.fullmatch(piece) for piece in pieces]
    wrong = next((piece for piece, match in zip(pieces, found, strict=True) if match is None), None)
    if wrong is not None or not found:
        raise UserMistake(f"`{wrong or typed}` is not a shape", expected="numbers with an x between, such as 32x3x224x224")
    tensors = [_tensor(match["shape"], match["dtype"] or dtype, device) for match in found if match is not None]
    names = [match["name"] for match in found if match is not None]
    if any(names):
        if not all(names):
            raise UserMistake(f"`{typed}` names some inputs and not others", do="name all of them, or none")
        return dict(zip(names, tensors, strict=True))
    return tensors[0] if len(tensors) == 1 else tuple(tensors)


def _tensor(shape: str, dtype: str, device: torch.device | None) -> torch.Tensor:
    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype):
        raise UserMistake(f"`{dtype}` is no dtype of torch", expected="one such as float32, float16 or int64")
    sizes = [int(size) for size in shape.split("x")]
    if not kind.is_floating_point:
        return torch.zeros(sizes, dtype=kind, device=device)
    if device is not None and device.type == "meta":
        return torch.empty(sizes, dtype=kind, device=device)
    return torch.randn(sizes, generator=torch.Generator().manual_seed(0)).to(device, kind)  # the user's random state stays where it is
