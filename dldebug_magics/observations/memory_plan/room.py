"""How much the program may take of what a device has."""

from __future__ import annotations

import math

import torch

from ...engine import snapshot
from ...engine.memory import DeviceMemory
from ...engine.subject import Subject


def room(memory: DeviceMemory | None, subject: Subject) -> float:
    """The bytes that are free, and those that this process holds already and are the program's own or nobody's."""
    if memory is None:
        return math.inf
    own = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in snapshot.owned(subject) if t.layout is torch.strided}
    return memory.free + memory.reserved - max(0.0, memory.allocated - sum(own.values()))
