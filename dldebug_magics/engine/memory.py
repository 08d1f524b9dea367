"""Bytes: what a device has of them, in words, and as people type them."""

from __future__ import annotations

import dataclasses
import re

import torch

from .errors import UserMistake

_UNITS = {"": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_UNITS |= {"kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30, "tib": 2.0**40}


@dataclasses.dataclass(frozen=True)
class DeviceMemory:
    """What a device says of its memory, in bytes.

    total: all it has. free: what nobody holds. allocated: in this process's tensors. reserved: held by this process's allocator, tensors
    included. failures: how often the allocator found no room. given: whether the user named the limit.
    """

    total: float
    free: float
    allocated: float = 0.0
    reserved: float = 0.0
    failures: int = 0
    given: bool = False

    @property
    def others(self) -> float:
        """What other processes hold."""
        return max(0.0, self.total - self.free - self.reserved)


def limited(limit: float) -> DeviceMemory:
    """A device of which this process has so many bytes for itself."""
    return DeviceMemory(limit, limit, given=True)


def asked(device: torch.device | None) -> DeviceMemory | None:
    """What the device says; None where it can't be asked, as a CPU, which swaps before it fails."""
    if device is None or device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    seen = torch.cuda.memory_stats(device)
    failures = seen.get("num_ooms", 0) + seen.get("num_alloc_retries", 0)
    return DeviceMemory(total, free, torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device), failures)


def bytes_of(text: str) -> float:
    """The bytes that a text names.

    >>> bytes_of("8GB"), bytes_of("1.5 GiB"), bytes_of("1e6")
    (8000000000.0, 1610612736.0, 1000000.0)
    """
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:e\+?[0-9]+)?)\s*([a-z]*)\s*", text.lower())
    if found is None or found[2] not in _UNITS or float(found[1]) <= 0:
        raise UserMistake(f"`{text}` is no amount of memory", expected="such as 8GB, 512MB or 7.5GiB")
    return float(found[1]) * _UNITS[found[2]]


def in_words(count: float) -> str:
    """Bytes as people read them.

    >>> in_words(1.25e9), in_words(33_550_000), in_words(812)
    ('1.25 GB', '33.5 MB', '812 bytes')
    """
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(count) >= 0.9995 * size:
            value = count / size
            return f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"
    return f"{count:.0f} bytes"
