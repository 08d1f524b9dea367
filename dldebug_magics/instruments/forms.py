"""What a tensor looks like from outside: shape, dtype and device, kept when the tensor itself is gone."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import Parameter, is_lazy
from torch.nn.utils.rnn import PackedSequence

from ..engine.nested import parts


@dataclasses.dataclass(frozen=True)
class Form:
    """One tensor's shape, dtype ("float32") and device ("cpu"); `packed` where it is the data of a packed sequence.

    names: of each axis, where they are known; an empty one for an axis that has none.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    device: str = "cpu"
    packed: bool = False
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The shape as people write it, the dtype only where it isn't the usual one.

        >>> str(Form((32, 3, 28, 28))), str(Form((), "int64"))
        ('32 x 3 x 28 x 28', 'int64 number')
        >>> str(Form((32, 128, 64), names=("N", "T", "")))
        'N=32 x T=128 x 64'
        """
        names = self.names or ("",) * len(self.shape)
        text = " x ".join(f"{n}={size}" if n else str(size) for n, size in zip(names, self.shape, strict=True)) or "number"
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


_PLAIN = (Tensor, Parameter)
_ATOMS = (int, float, str, bool, type(None), torch.dtype, torch.device)
_seen: dict[tuple[Any, ...], Form] = {}  # a trace meets the same few forms again and again
_MOST = 4096


def form(tensor: Any) -> Form:
    """The form of one tensor; a parameter that has no shape yet has none.

    >>> form(torch.zeros(2, 3))
    Form(shape=(2, 3), dtype='float32', device='cpu', packed=False, names=())
    """
    if type(tensor) not in _PLAIN:
        return _other(tensor)
    key = (tensor.shape, tensor.dtype, tensor.device)
    known = _seen.get(key)
    if known is None:
        known = _written(tuple(map(int, tensor.shape)), tensor)
        if len(_seen) < _MOST:
            _seen[key] = known
    return known


def _other(tensor: Any) -> Form:
    """That of a packed sequence, of a parameter without a shape, of a kind of tensor that is not torch's own."""
    if isinstance(tensor, PackedSequence):
        return dataclasses.replace(form(tensor.data), packed=True)
    return _written(() if is_lazy(tensor) else tuple(map(int, tensor.shape)), tensor)


def _written(shape: tuple[int, ...], tensor: Tensor) -> Form:
    return Form(shape, str(tensor.dtype).removeprefix("torch."), tensor.device.type)


def forms(structure: Any) -> tuple[Form, ...]:
    """The forms of every tensor in the structure, depth first.

    >>> [str(f) for f in forms((torch.zeros(2), {"h": torch.zeros(3, 1)}))]
    ['2', '3 x 1']
    """
    return tuple(map(form, held(structure)))


def held(structure: Any) -> list[Tensor | PackedSequence]:
    """The tensors and packed sequences themselves, depth first."""
    if isinstance(structure, Tensor):
        return [structure]
    found: list[Tensor | PackedSequence] = []
    for part in structure if type(structure) is tuple else (structure,):
        if isinstance(part, Tensor):
            found.append(part)
        elif type(part) not in _ATOMS:
            found += [inner for inner in parts(part) if isinstance(inner, (Tensor, PackedSequence))]
    return found
