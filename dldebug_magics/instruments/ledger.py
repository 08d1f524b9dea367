"""Every piece of memory that a program's tensors take, from the operation that makes it to the moment it is let go.

Below autograd, so that the forward pass, the backward pass and the optimizer all pass by. It counts storages, not tensors: a view costs
nothing. On paper and for real alike. What a kernel takes for itself is told by `workspaces`
and `scratch`, where they know it.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ..engine.nested import tensors
from .module_spans import ModuleSpans, backward_node
from .moments import ACTIVATIONS, BATCH, BUFFERS, PARAMETERS, TEMPORARIES, Entry, Peak
from .scratch import scratch
from .workspaces import kept

_HELD = (4, 2)  # references to a tensor, and to its memory, that only autograd and the ledger hold


class Ledger(TorchDispatchMode):
    """Counts while it is entered. `phase` is set by whoever runs the step; `moments` has the highest of each phase in each module."""

    def __init__(self, spans: ModuleSpans):
        super().__init__()
        self.spans, self.phase, self.now, self.in_place = spans, "", 0, False
        self.moments: dict[tuple[str, str], Peak] = {}
        self.kinds: Counter[str] = Counter()
        self.live: dict[int, Entry] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **(kwargs or {}))
        self.in_place = function is torch.ops.aten.add.Tensor and _summed_in_place(*args[:2])
        self.enter(tensors(result), ACTIVATIONS if self.phase in ("forward pass", "loss") else TEMPORARIES)
        self.in_place = False
        workspace, within = kept(function, args, result), scratch(function, args, result)
        if workspace is not None:
            self._resize(self.live[_key(workspace[0])], workspace[1])
        if within:
            self._changed(TEMPORARIES, within)
            self._changed(TEMPORARIES, -within)
        return result

    def enter(self, found: Iterable[Tensor], kind: str) -> None:
        """Book what these tensors hold, where it is not booked yet."""
        for storage in _storages(found):
            entry, size = self.live.get(storage._cdata), storage.nbytes()
            if entry is None:
                self._book(storage, Entry(size, kind, self.spans.current()))
            elif size > entry.size:
                self._resize(entry, size)

    def rebook(self, found: Iterable[Tensor], kind: str) -> None:
        """Say what these turned out to be: a temporary that became a gradient, or the optimizer's state."""
        for storage in _storages(found):
            entry = self.live.get(storage._cdata)
            if entry is None:
                self._book(storage, Entry(storage.nbytes(), kind, self.spans.current()))
            elif entry.kind not in (PARAMETERS, BUFFERS, BATCH):
                self.kinds[entry.kind] -= entry.size
                self.kinds[kind] += entry.size
                entry.kind = kind

    def expect(self, kind: str, size: int) -> None:
        """Book so many bytes of a kind where fewer are there yet."""
        self._changed(kind, max(0, size - self.kinds[kind]))

    def by_module(self, kind: str) -> Counter[str]:
        """The live bytes of one kind by the module that made them."""
        found: Counter[str] = Counter()
        for entry in self.live.values():
            if entry.kind == kind:
                found[entry.module] += entry.size
        return found

    @property
    def peak(self) -> Peak:
        """The highest moment since the ledger was last cleared."""
        return max(self.moments.values(), key=lambda moment: moment.total, default=Peak())

    def clear(self) -> None:
        """Begin anew at what is held now."""
        self.moments.clear()
        self._changed("", 0)

    def _book(self, storage: Any, entry: Entry) -> None:
        self.live[storage._cdata] = entry
        ended = weakref.finalize(storage, self._gone, storage._cdata)
        ended.atexit = False
        self._changed(entry.kind, entry.size)

    def _resize(self, entry: Entry, size: int) -> None:
        self._changed(entry.kind, size - entry.size)
        entry.size = size

    def _gone(self, key: int) -> None:
        entry = self.live.pop(key, None)
        if entry is not None:
            self._changed(entry.kind, -entry.size)

    def _changed(self, kind: str, by: int) -> None:
        self.now += by
        if by:
            self.kinds[kind] += by
        place = self.phase, self.spans.current()
        if place not in self.moments or (self.now > self.moments[place].total and not self.in_place):
            self.moments[place] = Peak(self.now, tuple(self.kinds.items()), *place)


def _summed_in_place(first: Any, second: Any) -> bool:
    """Whether autograd adds one gradient to another that nobody else holds: without a ledger that looks on, it does so in place."""
    return backward_node() is not None and not torch.is_grad_enabled() and (_alone(first) or _alone(second))


def _alone(gradient: Any) -> bool:
    """Whether only autograd and the ledger hold a tensor and its memory, all of which it fills."""
    if not isinstance(gradient, Tensor) or gradient.layout is not torch.strided or not hasattr(gradient, "_use_count"):
        return False
    storage = gradient.untyped_storage()
    full = storage.nbytes() == gradient.numel() * gradient.element_size()
    return full and gradient._use_count() <= _HELD[0] and torch._C._storage_Use_Count(storage._cdata) <= _HELD[1]


def _storages(found: Iterable[Tensor]) -> Iterable[Any]:
    for tensor in found:
        if tensor.layout is torch.sparse_coo:
            yield from _storages((tensor._indices(), tensor._values()))
        elif tensor.layout is torch.strided and not tensor.is_nested:
            yield tensor.untyped_storage()


def _key(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata
