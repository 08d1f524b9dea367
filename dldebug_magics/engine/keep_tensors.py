"""Tensors written down and put back: numbers, shape, storage, gradient, flags and version, on the very same objects.

Numbers are kept a storage at a time, once for all the views of it. Bytes that did not change are not written, for they may lie in memory
that can't be written to (a file mapped for reading).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

Restore = Callable[[], None]
_HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")
_LARGE = 2**27  # bytes; a storage larger than that to which only a closure leads, and no gradient, is the user's data: read, not written


def kept_storages(tensors: Iterable[Tensor], own: set[int]) -> Iterator[Restore]:
    """What puts back the numbers of these tensors; `own` are the ids of those that are kept whatever their size."""
    kept: dict[int, tuple[Any, bool]] = {}
    for tensor in tensors:
        if _has_storage(tensor):
            storage = tensor.untyped_storage()
            wanted = id(tensor) in own or tensor.requires_grad or storage.nbytes() <= _LARGE
            kept[storage._cdata] = storage, wanted or kept.get(storage._cdata, (None, False))[1]
    yield from (_storage(storage) for storage, wanted in kept.values() if wanted)


def _has_storage(tensor: Tensor) -> bool:
    """False where the numbers lie elsewhere: in the parts of a wrapper or a sparse tensor, or nowhere."""
    if is_lazy(tensor) or is_traceable_wrapper_subclass(tensor):
        return False
    return tensor.layout is torch.strided and not tensor.is_nested and tensor.device.type != "meta"


def _storage(storage: torch.UntypedStorage) -> Restore:
    values = _bytes(storage).to("cpu", copy=True)

    def restore() -> None:
        if storage.nbytes() != values.numel():
            storage.resize_(values.numel())
        now = _bytes(storage)
        if storage.device.type != "cpu" or not torch.equal(now, values):
            now.copy_(values)

    return restore


def _bytes(storage: torch.UntypedStorage) -> Tensor:
    return torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)


def kept_tensor(tensor: Tensor) -> Restore:
    """What puts back everything about a tensor but the numbers in its storage."""
    if is_lazy(tensor):
        return _lazy(tensor)
    leaf, wanted, gradient, pointer, kind = tensor.is_leaf, tensor.requires_grad, _gradient(tensor), tensor.data, type(tensor)
    values = None if _has_storage(tensor) else tensor.detach().clone()
    hooks = {name: getattr(tensor, name, None) for name in _HOOKS}
    version = None if tensor.is_inference() else torch.autograd._unsafe_preserve_version_counter(tensor)

    def restore() -> None:
        if type(tensor) is not kind:
            tensor.__class__ = kind
        if leaf and not tensor.is_leaf:
            tensor.detach_()
        if _gradient(tensor) is not gradient:
            tensor.grad = None
        if values is not None or _place(tensor) != _place(pointer):
            tensor.data = pointer if values is None else values
        if leaf and tensor.requires_grad != wanted:
            tensor.requires_grad_(wanted)
        if _gradient(tensor) is not gradient:
            tensor.grad = gradient
        for name, held in hooks.items():
            if getattr(tensor, name, None) is not held:
                setattr(tensor, name, held)
        if version is not None:
            version.__exit__()

    return restore


def _gradient(tensor: Tensor) -> Tensor | None:
    return tensor.grad if tensor.is_leaf or tensor.retains_grad else None


def _place(tensor: Tensor) -> tuple[Any, ...]:
    """Which part of which memory a tensor shows, and how."""
    storage = tensor.untyped_storage()._cdata if _has_storage(tensor) else 0
    return storage, tensor.storage_offset() if storage else 0, tensor.shape, tensor.stride() if storage else (), tensor.dtype


def _lazy(tensor: Any) -> Restore:
    """A lazy parameter that was given its shape by a forward pass becomes lazy again."""
    kind, pointer, wanted = type(tensor), tensor.data, tensor.requires_grad

    def restore() -> None:
        if type(tensor) is not kind:
            tensor.grad = None
            tensor.data = pointer
            tensor.__class__ = kind
        if tensor.requires_grad != wanted:
            tensor.requires_grad = wanted

    return restore
