"""Modules that run without being part of the model: made inside `forward`, or kept where the model does not register them."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from .module_path import ModulePath
from .source_lines import Line, running_line


class Strangers:
    """`with Strangers(model) as strangers: model(x)`; `strangers.seen` lists (module, path of the module that ran it, user's line).

    It keeps them alive, so that what is made anew in every pass can be told from what stays: `strangers.anew(earlier)`.
    """

    def __init__(self, model: nn.Module):
        self.own = {id(module) for module in model.modules()}
        self.path = ModulePath(model)
        self.seen: list[tuple[nn.Module, str, Line]] = []
        self.handle: Any = None

    def __enter__(self) -> Strangers:
        self.path.__enter__()
        self.handle = register_module_forward_pre_hook(self._note)
        return self

    def __exit__(self, *error: object) -> None:
        self.handle.remove()
        self.path.__exit__(*error)

    def _note(self, module: nn.Module, arguments: Any) -> None:
        if id(module) not in self.own:
            self.seen.append((module, self.path.current, running_line(2)))

    def anew(self, earlier: Strangers) -> list[tuple[nn.Module, str, Line]]:
        """Those that were not there in an earlier pass."""
        known = {id(module) for module, _, _ in earlier.seen}
        return [row for row in self.seen if id(row[0]) not in known]
