"""What torch's compiler makes is not looked into, and its work is not disturbed."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any

from torch import nn


def is_compiled(module: nn.Module) -> bool:
    """Whether `torch.compile(module)` made it, or `module.compile()` changed it."""
    return type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None) is not None


def passed_over(function: Any) -> Any:
    """The function, which the compiler (where it is at work) passes over to go on with what it calls, as with functions of torch's."""
    skip = getattr(sys.modules.get("torch._dynamo.eval_frame"), "skip_code", None)
    if skip is not None and isinstance(function, FunctionType):
        skip(function.__code__)
    return function
