"""A pooling or convolution that finds too little, left out or done at the size that there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional

from ..engine.evidence import Fix
from ..engine.subject import Subject
from .mended import mended


def left_whole(path: str, operation: str) -> tuple[Fix, Callable[[Subject], Subject]]:
    """How the failing call is written otherwise, and the cure that does it so."""
    name = f"`{path}`" if path else operation
    if operation.startswith("conv"):
        return Fix("Or pad what the kernel reads.", "padding=kernel_size - 1", "padding in front of the kernel"), mended(
            {operation}, _padded
        )
    if operation.startswith("avg_pool"):
        one = f"adaptive_{operation}"
        fix = Fix("Or average all that there is.", f"F.{one}(x, 1)", "an average of all that there is")
        return fix, mended({operation}, lambda function, x, *_, **__: getattr(functional, one)(x, 1))
    return Fix("Or leave this step out.", f"# without {name}", f"{name} left out"), mended({operation}, lambda function, x, *_, **__: x)


def _padded(function: Callable, x: Tensor, weight: Tensor, *args: Any, **kwargs: Any) -> Any:
    """Zeros around the input until the kernel fits in."""
    missing = [max(0, kernel - length) for kernel, length in zip(weight.shape[2:], x.shape[2:], strict=True)]
    around = [side for length in reversed(missing) for side in (length - length // 2, length // 2)]
    return function(functional.pad(x, around), weight, *args, **kwargs)
