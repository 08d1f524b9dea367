"""The widths of a model's hidden layers as they are and as they would be, for the lines that a report shows."""

from __future__ import annotations

from typing import Any

from ..engine.subject import Subject
from ..instruments.layer_order import hidden, layer_order

_SHOWN = 6


def widths(subject: Subject, times: float) -> str:
    """A comment such as `# net: fc1 with 32 units (now 16), fc2 with 24 (now 12)`."""
    found = [
        f"{layer.name or type(layer.module).__name__} with {max(1, int(_width(layer.module) * times))} units (now {_width(layer.module)})"
        for layer in hidden(layer_order(subject))
    ]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return f"# {subject.name('model')}: {', '.join([*found[:_SHOWN], *more])}"


def _width(module: Any) -> int:
    """How many units, channels or states a layer gives."""
    return next(getattr(module, name) for name in ("out_features", "out_channels", "hidden_size") if hasattr(module, name))
