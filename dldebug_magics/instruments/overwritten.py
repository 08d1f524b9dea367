"""Which call wrote over a tensor that the backward pass still needs, in a forward pass and its loss.

Autograd says at the end that something was overwritten, and not by whom. Here each tensor is noted as it is saved, with the count of
writes to it that torch keeps; the call after which that count has grown is the one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .calls import name_of
from .module_path import ModulePath
from .source_lines import Line, running_line


@dataclasses.dataclass(frozen=True)
class Overwriting:
    """A call that wrote over what was saved: its name, the module it ran in, the user's line, and the shape of what was lost."""

    name: str
    module: str
    line: Line
    shape: tuple[int, ...]


class Overwritten(TorchFunctionMode):
    """`with Overwritten(model) as watch: loss = ...`; then `watch.found`. The loss of such a pass is not to be differentiated."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.found: list[Overwriting] = []
        self.saved: list[tuple[Tensor, int]] = []
        self.path = ModulePath(model)
        self.hooks = torch.autograd.graph.saved_tensors_hooks(self._saved, lambda tensor: tensor)

    def __enter__(self) -> Overwritten:
        self.path.__enter__()
        self.hooks.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.hooks.__exit__(*error)
        self.path.__exit__(*error)
        self.saved.clear()

    def _saved(self, tensor: Tensor) -> Tensor:
        alike = tensor.detach()  # shares the count of writes
        self.saved.append((alike, alike._version))
        return alike

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **(kwargs or {}))
        lost = [tensor for tensor, version in self.saved if tensor._version > version]
        if lost:
            self.saved = [(tensor, version) for tensor, version in self.saved if tensor._version == version]
            self.found.append(Overwriting(name_of(function), self.path.current, running_line(2), tuple(lost[0].shape)))
        return result
