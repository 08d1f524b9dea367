"""What a tensor looks like from outside: shape, dtype and device, kept when the tensor itself is gone."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.nn.utils.rnn import PackedSequence

from ..engine.nested import parts


@dataclasses.dataclass(frozen=True)
class Form:
    """One tensor's shape, dtype ("float32") and device ("cpu"); `packed` where it is the data of a packed sequence."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    device: str = "cpu"
    packed: bool = False

    def __str__(self) -> str:
        """The shape as people write it, the dtype only where it isn't the usual one.

        >>> str(Form((32, 3, 28, 28))), str(Form((), "int64"))
        ('32 x 3 x 28 x 28', 'int64 number')
        """
        text = " x ".join(map(str, self.shape)) or "number"
        marked = f"{self.dtype} {text}" if self.dtype != "float32" else text
        return f"packed {marked}" if self.packed else marked

    @property
    def numel(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """How much memory its numbers take."""
        return self.numel * getattr(torch, self.dtype).itemsize


def form(tensor: Tensor, packed: bool = False) -> Form:
    """The form of one tensor; a parameter that has no shape yet has none.

    >>> form(torch.zeros(2, 3))
    Form(shape=(2, 3), dtype='float32', device='cpu', packed=False)
    """
    shape = () if is_lazy(tensor) else tuple(map(int, tensor.shape))
    return Form(shape, str(tensor.dtype).removeprefix("torch."), tensor.device.type, packed)


def forms(structure: Any) -> tuple[Form, ...]:
    """The forms of every tensor in the structure, depth first.

    >>> [str(f) for f in forms((torch.zeros(2), {"h": torch.zeros(3, 1)}))]
    ['2', '3 x 1']
    """
    if isinstance(structure, Tensor):
        return (form(structure),)
    found = []
    for part in parts(structure):
        if isinstance(part, Tensor):
            found.append(form(part))
        elif isinstance(part, PackedSequence):
            found.append(form(part.data, packed=True))
    return tuple(found)
