"""How much the program may take of what a device has."""

from __future__ import annotations

import math

import torch

from ...engine import snapshot
from ...engine.examine import device_of
from ...engine.memory import DeviceMemory, asked, bytes_of, limited
from ...engine.subject import Subject


def memory_of(subject: Subject, limit: str = "") -> DeviceMemory | None:
    """What there is: the limit as typed, else what the subject says, else what its device says; None for a CPU."""
    return limited(bytes_of(limit)) if limit else subject.memory or asked(device_of(subject))


def room(memory: DeviceMemory | None, subject: Subject) -> float:
    """The bytes that are free, and those that this process holds already and are the program's own or nobody's."""
    if memory is None:
        return math.inf
    own = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in snapshot.owned(subject) if t.layout is torch.strided}
    return memory.free + memory.reserved - max(0.0, memory.allocated - sum(own.values()))
