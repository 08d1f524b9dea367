"""The batch that is traced: as it was given, cut to what the model takes, or made up from shapes that were typed."""

from __future__ import annotations

import dataclasses
import math
import re
import sys
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ...engine.batch import SIZE, is_one_batch
from ...engine.errors import UserMistake
from ...engine.examine import device_of, frozen
from ...engine.split import LABELS
from ...engine.subject import Subject
from ...engine.takes import Takes, parameters, required
from .words import amount

_SHAPE = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)=)?(?P<shape>\d+(?:x\d+)*)(?::(?P<dtype>[\w.]+))?")
_TIMES = re.compile(r"(?<!\w)\d+(?:\s*[xX×*]\s*\d+)+")
_TUPLE = re.compile(r"[(\[]\s*(\d+(?:\s*,\s*\d+)*)\s*,?\s*[)\]]")
_LENGTHS = ("length", "lengths", "lens", "len")


def given(subject: Subject, typed: str, dtype: str) -> Subject:
    """The subject with the batch to trace. Without a loss, labels are no part of it."""
    if typed:
        shapes_alone = torch.device("meta") if subject.device == "meta" else None  # an input that needs no memory on its way there
        batch = made_up(typed, dtype, shapes_alone or device_of(subject))
        labelled = type(batch) is tuple and _taken(subject.model, batch) < len(batch)
        loss_fn = subject.loss_fn if labelled else None  # shapes of inputs alone give a loss nothing to compare with
        return dataclasses.replace(subject, loss_fn=loss_fn, train=batch, batch=batch)
    if subject.batch is None:
        single = not is_one_batch(subject.train) and (isinstance(subject.train, Dataset) or not hasattr(subject.train, "__iter__"))
        subject = frozen(subject, SIZE if single else sys.maxsize)
    batch = subject.batch
    if subject.loss_fn is None and subject.step is None and type(batch) in (tuple, list):
        return dataclasses.replace(subject, batch=tuple(batch[: _taken(subject.model, batch)]))
    return subject


def _taken(model: nn.Module, batch: Any) -> int:
    """How many of a batch's parts go into the model; all where it takes any, or where asking for its forward would leave a mark on it."""
    plain = getattr(model, "_orig_mod", model)
    takes = None if isinstance(plain, torch.jit.ScriptModule) else parameters(plain.forward)
    if takes is None:
        return len(batch)
    count = min(len(takes), len(batch))
    while count > required(takes, unknown=1) and _is_label(batch[count - 1], takes, count - 1):
        count -= 1
    return count


def _is_label(part: Any, takes: Takes, place: int) -> bool:
    """Whether a part looks like one label a sample, and the parameter that would get it is for something else."""
    return isinstance(part, Tensor) and part.ndim < 2 and list(takes)[place] not in (*LABELS, *_LENGTHS)


def made_up(typed: str, dtype: str, device: torch.device | None) -> Any:
    """Tensors of the typed shapes: one, several, or several by name. Floats are random, whole numbers are zero.

    >>> made_up("2x3, (4,):int64", "float32", None)[1]
    tensor([0, 0, 0, 0])
    >>> sorted(made_up("ids=2x5:int64,mask=(2, 5)", "float32", None))
    ['ids', 'mask']
    """
    plain = _TUPLE.sub(lambda found: re.sub(r"\s*,\s*", "x", found[1]), typed)
    plain = _TIMES.sub(lambda found: re.sub(r"\s*[xX×*]\s*", "x", found[0]), plain)
    pieces = [piece for piece in re.split(r"[,\s]+", plain.strip("\"'()[] ")) if piece]
    found = [_SHAPE.fullmatch(piece) for piece in pieces]
    wrong = next((piece for piece, match in zip(pieces, found, strict=True) if match is None), None)
    if wrong is not None or not found:
        raise UserMistake(f"`{wrong or typed}` is not a shape", expected="numbers with an x between, such as 32x3x224x224")
    tensors = [_tensor(match["shape"], match["dtype"] or dtype, device) for match in found if match is not None]
    names = [match["name"] for match in found if match is not None]
    if any(names):
        if not all(names) or len(set(names)) < len(names):
            raise UserMistake(f"`{typed}` names some inputs and not others, or two alike", do="name each of them, or none")
        return dict(zip(names, tensors, strict=True))
    return tensors[0] if len(tensors) == 1 else tuple(tensors)


def _tensor(shape: str, dtype: str, device: torch.device | None) -> Tensor:
    kind = getattr(torch, dtype.removeprefix("torch."), None)
    if not isinstance(kind, torch.dtype):
        raise UserMistake(f"`{dtype}` is no dtype of torch", expected="one such as float32, float16 or int64")
    sizes = [int(size) for size in shape.split("x")]
    try:
        if not kind.is_floating_point and not kind.is_complex:
            return torch.zeros(sizes, dtype=kind, device=device)
        if device is not None and device.type == "meta":
            return torch.empty(sizes, dtype=kind, device=device)
        random = torch.randn(sizes, generator=torch.Generator().manual_seed(0))  # the user's random state stays where it is
        return random.to(device, kind)
    except (RuntimeError, MemoryError, OverflowError):
        needed = amount(math.prod(sizes) * kind.itemsize)
        raise UserMistake(
            f"an input of {shape} takes {needed}, which can't be had", do="trace a smaller one, or the model on the meta device"
        ) from None
