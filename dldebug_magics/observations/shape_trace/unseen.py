"""What a trace can't see of a model, in a line each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import nn

_QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized", "torch.nn.quantized")


def uncompiled(model: nn.Module) -> tuple[Callable[[], AbstractContextManager], ...]:
    """What to enter, so that a compiled model runs as it was written; nothing for any other model."""
    known = hasattr(torch.compiler, "set_stance")
    return (lambda: torch.compiler.set_stance("force_eager"),) if known and _compiled(model) else ()


def _compiled(model: nn.Module) -> bool:
    return any(hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) for module in model.modules())


def unseen(model: nn.Module) -> tuple[str, ...]:
    """A line for each kind of module that hides what it does."""
    named = [(f"`{path}`" if path else "the model", module) for path, module in model.named_modules()]
    scripted = [path for path, module in named if isinstance(module, torch.jit.ScriptModule)]
    packed = [path for path, module in named if type(module).__module__.startswith(_QUANTISED) and "_packed_params" not in path]
    found = []
    if scripted:
        found.append(f"Not seen: what runs inside scripted code ({_some(scripted)}), and what it multiplies.")
    if packed:
        found.append(f"Not counted: the weights of quantised layers ({_some(packed)}), which are packed, and what they multiply.")
    if _compiled(model):
        found.append("Compiled: traced as it is without compiling.")
    return tuple(found)


def _some(paths: list[str], most: int = 3) -> str:
    """The first paths.

    >>> _some(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    return ", ".join(paths[:most]) + (f" and {len(paths) - most} more" if len(paths) > most else "")
