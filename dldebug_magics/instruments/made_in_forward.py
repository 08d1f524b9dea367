"""Parameters that come into being while the model runs: layers that are made anew in every call, and therefore never learn."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from .source_lines import Line, running_line


@dataclasses.dataclass(frozen=True)
class Made:
    """A parameter that was registered: in what kind of module, its bytes, and the user's line."""

    kind: str
    size: int
    line: Line


@contextlib.contextmanager
def made_in_forward(model: nn.Module) -> Iterator[list[Made]]:
    """The parameters registered while the block lasts, those left out that the model has already."""
    known, found = {id(p) for p in model.parameters()}, list[Made]()

    def note(module: nn.Module, name: str, parameter: Any) -> None:
        if parameter is not None and id(parameter) not in known and not nn.parameter.is_lazy(parameter):
            found.append(Made(type(module).__name__, parameter.numel() * parameter.element_size(), running_line(2)))

    handle = register_module_parameter_registration_hook(note)
    try:
        yield found
    finally:
        handle.remove()
