"""What enters the linear layer that a model calls last: the features that its answers are read from."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class LastLinear:
    """`with LastLinear(model) as last: ...`; `last.entered` is what went into the linear layer that was called last, or None."""

    def __init__(self, model: nn.Module):
        self.model, self.handles = model, list[Any]()
        self.entered: Tensor | None = None

    def __enter__(self) -> LastLinear:
        for module in self.model.modules():
            if isinstance(module, nn.Linear):
                self.handles.append(module.register_forward_pre_hook(self._note))
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _note(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        self.entered = next((t for t in given if isinstance(t, Tensor)), None)
