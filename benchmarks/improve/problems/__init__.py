"""The ten problems, by name. To add one is to add its function to its file."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ..problem import Problem
from . import handwriting, others

FAMILIES = (handwriting, others)
PROBLEMS: dict[str, Callable[[], Problem]] = {
    name: function
    for family in FAMILIES
    for name, function in vars(family).items()
    if inspect.isfunction(function) and function.__module__ == family.__name__ and not name.startswith("_")
}
