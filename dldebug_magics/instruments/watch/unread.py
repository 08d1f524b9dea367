"""Attributes that look like a freeze, and that torch does not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn


def unread(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Parameters that can be trained, with an attribute on them or on a module above meant as `requires_grad = False`."""
    for path, module in model.named_modules():
        for name in _alike(vars(module)):
            yield from (
                (f"{path}.{inner}".lstrip("."), f"{path}.{name}".lstrip(".")) for inner, p in module.named_parameters() if p.requires_grad
            )
    for path, p in model.named_parameters():
        if p.requires_grad:
            yield from ((path, f"{path}.{name}") for name in _alike(vars(p)) if name != "requires_grad")


def _alike(attributes: dict[str, Any]) -> list[str]:
    """Names with a False behind them that are meant to be `requires_grad`.

    >>> _alike({"require_grad": False, "requires_grad": False, "required": False, "requires_gradient": True})
    ['require_grad', 'requires_grad']
    """
    return [name for name, value in attributes.items() if value is False and name.startswith("req") and "grad" in name.lower()]
