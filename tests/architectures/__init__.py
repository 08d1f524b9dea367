"""Healthy architectures of many shapes: what the table of `%shape_trace` must show rightly, and say nothing bad about.

`ARCHITECTURES` lists them; `oracle` counts what a table must hold in ways of its own.
"""

from __future__ import annotations

import importlib
import pkgutil

from .architecture import Architecture

__all__ = ["ARCHITECTURES", "Architecture"]

FAMILIES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
ARCHITECTURES: tuple[Architecture, ...] = tuple(
    one for family in FAMILIES for one in vars(family).values() if isinstance(one, Architecture)
)
