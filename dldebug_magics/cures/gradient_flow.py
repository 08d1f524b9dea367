"""The graph kept whole: calls that cut it do nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.subject import Subject
from .rewrite import left_out, rewritten


def attached(subject: Subject) -> Subject:
    """`detach()` and `.data` give the tensor itself, and grad mode stays on."""
    return rewritten(rewritten(subject, {"detach", "detach_", "data"}, left_out), {"_set_grad_enabled"}, _on)


def _on(function: Callable, *args: Any, **kwargs: Any) -> Any:
    return function(True)
