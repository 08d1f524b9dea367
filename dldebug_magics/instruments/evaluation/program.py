"""What a worker is told about a split, what it is asked, and what it answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from ...engine import ambient
from ...engine.digest import Bare, digest
from ...engine.nested import mapped, tensors
from ...engine.subject import Subject
from .batches import Material
from .judging import Judge, Share

_STAYS_HERE = ("warning filters", "global hooks")  # of what belongs to the process


class WorkerEnded(Exception):
    """A worker is gone: it was killed, or died of what it ran."""


@dataclasses.dataclass(frozen=True)
class Program:
    """All that batches of one split are judged by. material: pickled, where workers read by themselves. first: a batch, or its numbers."""

    subject: Subject
    judge: Judge
    material: bytes | None
    spare: bool
    fewer: int
    first: Any
    words: tuple[str, ...]
    settings: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Run:
    """Batches that are one share, as themselves or by number; how many came before, and the seconds that are left."""

    before: int
    items: tuple[Any, ...]
    seconds: float


@dataclasses.dataclass(frozen=True)
class Done:
    """What came of a run: a share, not of all batches where the time was spent; or `trouble`, and what was said of it."""

    share: Share | None = None
    complete: bool = True
    trouble: str = ""
    said: str = ""


def words_of(output: Any) -> tuple[str, ...]:
    """A word for each tensor in an output: the same only for the same bits."""
    return tuple(digest(Bare(tensor)) for tensor in tensors(output))


def settings() -> dict[str, Any]:
    """What belongs to the process and changes numbers: threads, precision, default type."""
    return {name: read() for name, (read, _) in ambient.PARTS.items() if name not in _STAYS_HERE}


def read(item: Any, material: Material | None) -> Any:
    """The batch that a run speaks of."""
    return mapped(item if material is None else material.batch(item), torch.Tensor.cpu)
