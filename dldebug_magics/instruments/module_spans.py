"""Which module is at work: in the forward pass by hooks, in the backward pass by the numbers that autograd gave its nodes on the way.

A node of the graph carries the number of the forward operation that made it. Which module ran when the count stood there is written down,
so that the backward pass of an operation is known to be its module's.
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

backward_node = getattr(torch._C, "_current_autograd_node", lambda: None)  # the node at work; None outside of a backward pass
_count = getattr(getattr(torch._C, "_autograd", None), "_get_sequence_nr", None)


class ModuleSpans:
    """The module at work, by its path in the model; empty for what no part of it does."""

    def __init__(self, model: nn.Module):
        self.paths = {id(module): name for name, module in model.named_modules()}
        self.stack: list[str] = []
        self.begins: list[int] = []
        self.names: list[str] = []

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Hooks on all modules while the block lasts."""
        handles = [register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._leave, always_call=True)]
        try:
            yield
        finally:
            self.stack.clear()
            for handle in handles:
                handle.remove()

    def current(self) -> str:
        """The path of the module at work."""
        node = backward_node()
        if node is None or self.stack:
            return self.stack[-1] if self.stack else ""
        number = node._sequence_nr() if _count is not None else -1
        place = bisect.bisect_right(self.begins, number) - 1
        return self.names[place] if place >= 0 and number < 2**62 else ""

    def _enter(self, module: nn.Module, given: Any) -> None:
        if id(module) in self.paths:
            self.stack.append(self.paths[id(module)])
            self._note()

    def _leave(self, module: nn.Module, given: Any, output: Any) -> None:
        if id(module) in self.paths and self.stack:
            self.stack.pop()
            self._note()

    def _note(self) -> None:
        if _count is not None:
            self.begins.append(_count())
            self.names.append(self.stack[-1] if self.stack else "")
