"""What a traceback can't show: the inside of compiled, scripted and replicated models."""

from __future__ import annotations

import traceback
from pathlib import Path

import torch
from torch import nn

_COMPILER = tuple(str(Path(torch.__file__).parent / file) for file in ("_dynamo/convert_frame.py", "_dynamo/output_graph.py", "_inductor"))


def plain(module: nn.Module) -> nn.Module:
    """The user's own module behind a compiled one."""
    inner = getattr(module, "_orig_mod", None)
    return inner if isinstance(inner, nn.Module) else module


def unseen_in(error: BaseException, owners: list[nn.Module]) -> tuple[str, ...]:
    """A sentence for each kind of model among the called ones that hides what runs in it."""
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    behind = any(plain(owner) is not owner or getattr(owner, "_compiled_call_impl", None) is not None for owner in owners)
    found = []
    if behind or any(file.startswith(_COMPILER) for file in files):
        found.append("It is compiled: which of its modules failed is not in the traceback; its plain form is looked at.")
    if owners and isinstance(owners[-1], torch.jit.ScriptModule):
        found.append("It is scripted: what runs inside is not in the traceback.")
    if owners and isinstance(owners[-1], nn.DataParallel):
        found.append("It runs on replicas: which of their modules failed is not in the traceback.")
    return tuple(found)
