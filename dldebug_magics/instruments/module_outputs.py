"""What every module gives in one forward pass, in the order in which the modules finish."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..engine.nested import tensors


class Outputs:
    """`with Outputs(model) as outputs: ...`; `outputs.seen` lists (path, first floating-point tensor of the output)."""

    def __init__(self, model: nn.Module):
        self.model = model
        self.seen: list[tuple[str, Tensor]] = []
        self.handles: list[Any] = []

    def __enter__(self) -> Outputs:
        for name, module in self.model.named_modules():
            if name:
                self.handles.append(module.register_forward_hook(lambda _, __, output, name=name: self._note(name, output)))
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _note(self, name: str, output: Any) -> None:
        first = next((t for t in tensors(output) if t.is_floating_point()), None)
        if first is not None:
            self.seen.append((name, first.detach().clone()))
