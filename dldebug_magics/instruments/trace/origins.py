"""Where a tensor came from: the model's input, a parameter of it, or the call that gave it. Asked only where a pass breaks."""

from __future__ import annotations

import dataclasses
import weakref
from typing import Any

from torch import Tensor, nn

from ...engine.nested import tensors
from ..source_lines import NOWHERE, Line, Spot, line_at


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a tensor is: kind "input", "parameter", "buffer", "module" or "operation" (the last that gave it), empty where nobody saw it.

    name: the path of the module, parameter or buffer, the operation's name, or the input's place. line: the user's line of the operation.
    """

    kind: str = ""
    name: str = ""
    line: Line = NOWHERE

    def __str__(self) -> str:
        """The origin in words.

        >>> str(Origin("module", "encoder.0")), str(Origin("input")), str(Origin("operation", "relu", Line("cell 3, line 9")))
        ('`encoder.0`', "the model's input", 'relu, cell 3, line 9')
        """
        if self.kind == "input":
            return "the model's input"
        if self.kind == "operation":
            return f"{self.name}, {self.line.place}" if self.line.place else self.name
        return f"`{self.name}`" if self.kind == "module" else f"the {self.kind} `{self.name}`" if self.kind else "another tensor"


@dataclasses.dataclass
class Origins:
    """Who gave which tensor. It holds no tensor: one that is gone is forgotten."""

    seen: dict[int, tuple[weakref.ref, str, str, Spot | None]] = dataclasses.field(default_factory=dict)

    def note(self, structure: Any, kind: str, name: str = "", spot: Spot | None = None) -> None:
        """The tensors in what a call gave, or was given, have an origin of this kind."""
        for tensor in (structure,) if isinstance(structure, Tensor) else tensors(structure):
            self.seen[id(tensor)] = weakref.ref(tensor), kind, name, spot

    def of(self, structure: Any, model: nn.Module) -> tuple[Origin, ...]:
        """The origin of each tensor in the structure."""
        held = {id(p): Origin("parameter", name) for name, p in model.named_parameters()}
        held |= {id(b): Origin("buffer", name) for name, b in model.named_buffers()}
        return tuple(held.get(id(tensor)) or self._noted(tensor) for tensor in tensors(structure))

    def _noted(self, tensor: Tensor) -> Origin:
        known = self.seen.get(id(tensor))
        if known is None or known[0]() is not tensor:
            return Origin()
        _, kind, name, spot = known
        return Origin(kind, name, line_at(spot))
