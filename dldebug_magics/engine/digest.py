"""A short word for a deep object: equal before and after means that nothing inside has changed.

It takes the bytes of tensors and arrays, the contents of containers, objects and closures, and, where told what is already known, the
identity of each object on its way.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import hashlib
import sys
import types
from collections.abc import Iterable, Sequence
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.utils.data import DataLoader, Dataset

from .reach import contents

ATOMS = (str, bytes, int, float, complex, type(None), torch.dtype, torch.device, torch.Size)
_CLOSED = (types.ModuleType, type, Dataset, DataLoader)  # known by identity alone
_SEQUENCES = (list, tuple, collections.deque)
_PLAIN = (dict, set, frozenset, Tensor, numpy.ndarray, *_SEQUENCES)


@dataclasses.dataclass(frozen=True)
class Bare:
    """A tensor's numbers without its gradient, flags and hooks."""

    tensor: Tensor


def digest(value: Any, known: dict[int, Any] | None = None) -> str:
    """The digest of a value; with `known` (id -> object, taken as seen already) that of an object that must stay the same one.

    >>> digest([1, 2.5, "a"]) == digest([1, 2.5, "a"]), digest([1, [2]]) == digest([[1], 2])
    (True, False)
    """
    word = hashlib.blake2b(digest_size=16)
    _feed(word, value, None if known is None else dict(known))
    return word.hexdigest()


def _feed(word: Any, value: Any, seen: dict[int, Any] | None) -> None:
    """`seen` also keeps alive what was made on the way, so that no id is used twice; None where identity does not count."""
    if isinstance(value, ATOMS):
        return word.update(f"{type(value).__name__} {value!r};".encode(errors="surrogatepass"))
    if isinstance(value, Bare):
        return _numbers(word, value.tensor)
    by_identity = isinstance(value, _CLOSED) or (seen is None and not isinstance(value, _PLAIN))
    inside = None if by_identity else _inside(value)
    if inside is None or (seen is not None and id(value) in seen):
        return word.update(f"{type(value).__qualname__} {id(value)};".encode())
    if seen is not None:
        seen[id(value)] = value
    if isinstance(value, (Tensor, numpy.ndarray)):
        _numbers(word, value)
    counts = seen is not None and not isinstance(value, (tuple, types.MethodType))  # those are made anew at each look
    word.update(f"{type(value).__qualname__} {id(value) if counts else ''}(".encode())
    for item in inside:
        _feed(word, item, seen)
    word.update(b")")


def _inside(value: Any) -> Iterable[Any] | None:
    """What a thing holds; None for what is known by its identity alone."""
    if isinstance(value, dict):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, _SEQUENCES):
        return value
    if isinstance(value, (set, frozenset)):
        return sorted(repr(item) if isinstance(item, ATOMS) else str(id(item)) for item in value)
    if isinstance(value, Tensor):
        return _about(value)
    if isinstance(value, numpy.ndarray):
        return ()
    if isinstance(value, types.MethodType):
        return (value.__self__, value.__func__)
    if isinstance(value, types.FunctionType):
        return (*(contents(cell) for cell in value.__closure__ or ()), value.__defaults__, value.__dict__)
    if isinstance(value, functools.partial):
        return (value.func, value.args, value.keywords)
    foreign = type(value).__module__.partition(".")[0] in sys.stdlib_module_names
    held = None if foreign and not isinstance(value, types.SimpleNamespace) else getattr(value, "__dict__", None)
    return [part for pair in held.items() for part in pair] if isinstance(held, dict) else None


def _about(tensor: Tensor) -> tuple[Any, ...]:
    if is_lazy(tensor):
        return (tensor.requires_grad,)
    gradient = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
    hooks = (tensor._backward_hooks, getattr(tensor, "_post_accumulate_grad_hooks", None))
    return (tensor.requires_grad, tensor.is_leaf, gradient, hooks, getattr(tensor, "__dict__", None))


def _numbers(word: Any, value: Any) -> None:
    """The dtype, shape and bytes of a tensor or array, of whatever kind it is."""
    if isinstance(value, numpy.ndarray):
        return word.update(f"{value.dtype}{value.shape}".encode() + (value.tobytes() if value.dtype != object else repr(value).encode()))
    if is_lazy(value):
        return word.update(type(value).__name__.encode())
    plain = value.detach()
    word.update(f"{plain.dtype}{'' if plain.is_nested else tuple(plain.shape)}{plain.layout}".encode())
    pieces = _pieces(plain)
    for piece in pieces or ():
        _numbers(word, piece)
    if pieces is None and plain.numel() and plain.device.type != "meta":
        row = plain.cpu().resolve_conj().resolve_neg().flatten()
        row = row if row.stride(0) == 1 else row.clone(memory_format=torch.contiguous_format)
        word.update(row.view(torch.uint8).numpy().data)


def _pieces(tensor: Tensor) -> Sequence[Tensor] | None:
    """The plain tensors that make up one of another kind; None for a plain one."""
    if tensor.is_nested:
        return tensor.unbind()
    if tensor.is_quantized:
        return (tensor.int_repr(), tensor.dequantize())
    if tensor.layout is torch.sparse_coo:
        return (tensor._indices(), tensor._values())
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return (tensor.crow_indices(), tensor.col_indices(), tensor.values())
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return (tensor.ccol_indices(), tensor.row_indices(), tensor.values())
    return None if tensor.layout is torch.strided else (tensor.to_dense(),)
