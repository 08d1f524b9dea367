"""Calculations with small whole numbers done with wide ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.nested import mapped
from ..engine.subject import Subject
from ..instruments.wrapped_integers import CALCULATING, widened
from .rewrite import rewritten


def calculated_wide(subject: Subject) -> Subject:
    """Every sum, difference and product of small whole numbers is one of wide numbers."""

    def change(function: Callable, *args: Any, **kwargs: Any) -> Any:
        return function(*mapped(args, widened), **mapped(kwargs, widened))

    return rewritten(subject, CALCULATING, change)
