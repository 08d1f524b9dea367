"""Which module is running now: the path of the innermost submodule whose forward has begun and not ended."""

from __future__ import annotations

from typing import Any

from torch import nn


class ModulePath:
    """`with ModulePath(model) as path: ...`; `path.current` is a name as in `named_modules`, empty in the model's own forward."""

    def __init__(self, model: nn.Module):
        self.named = [(name, module) for name, module in model.named_modules() if name]
        self.inside: list[str] = []
        self.handles: list[Any] = []

    def __enter__(self) -> ModulePath:
        for name, module in self.named:
            self.handles.append(module.register_forward_pre_hook(lambda *_, name=name: self.inside.append(name)))
            self.handles.append(module.register_forward_hook(lambda *_: self.inside.pop() and None, always_call=True))
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()

    @property
    def current(self) -> str:
        return self.inside[-1] if self.inside else ""
