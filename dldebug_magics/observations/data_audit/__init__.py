"""Are the loaders sound? What a look at many samples tells, before any training: the data of most projects hide more than their models."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import ClassVar

import torch

from ...document import Block
from ...engine.ambient import seeded
from ...engine.evidence import Finding
from ...engine.observation import Observation
from ...engine.samples import portions, readable
from ...engine.subject import Subject
from . import wording
from .facts import Split, facts
from .mapping import Renumbered, renumbered
from .material import Material
from .overlap import Shared, shared
from .pairing import signal
from .pull import loss_on, strongest
from .rescaled import Rescaled, rescaled
from .signal import Signal
from .workers import Copied, copied_generators

_PAUSE = 0.5  # seconds between two lines of progress
_ROLES = ("train", "val", "test", "train_val", "test_val")


@dataclasses.dataclass(frozen=True)
class DataAudit(Observation):
    """Read your loaders, and say what is wrong with the data: labels that do not belong to their inputs, leaks, broken values.

    Looks at samples of each split as the model would get them, through fresh iterators; nothing of yours is consumed, and nothing is
    trained. Simple probes (nearest neighbours, ridge regression) are held against the same probes on permuted labels.

    Examples:
        %data_audit net loss_fn optimizer train_loader val_loader
        %data_audit net loss_fn optimizer train_loader --samples 500
        report = %data_audit net loss_fn optimizer train_loader val_loader --quiet

    Source: Full Stack Deep Learning, troubleshooting guide, "dataset construction"; A. Karpathy's recipe, "become one with the data".
    """

    stage: ClassVar[str] = "data"

    splits: tuple[Split, ...] = ()
    shared: tuple[Shared, ...] = ()
    signal: Signal | None = None
    renumbered: Renumbered | None = None
    rescaled: tuple[Rescaled, ...] = ()
    copied: Copied | None = None
    loss_on_broken: float | None = None
    pull: float | None = None
    weighted: bool = False
    unread: tuple[str, ...] = ()
    so_far: int = 0
    losses: tuple[float, ...] = ()
    crash: None = None
    passed: bool = True
    decided: bool = True
    excess: float = 0.0
    first: float = math.nan
    final: float = math.nan

    @classmethod
    def measure(cls, subject: Subject, *, samples: int = 2000) -> Iterator[DataAudit]:
        """Read the splits, then ask the probes.

        samples: how many samples are looked at in each split, at most.
        """
        seeded(subject.seed)
        given = {role: getattr(subject, role) for role in _ROLES if getattr(subject, role) is not None}
        read = {role: Material(role, source) for role, source in given.items() if readable(source)}
        seen = time.perf_counter()
        for material in read.values():
            for portion in portions(material.source, samples):
                material.add(subject, portion)
                if time.perf_counter() - seen > _PAUSE:
                    yield cls(so_far=sum(len(m.numbers) for m in read.values()), passed=False, decided=False)
                    seen = time.perf_counter()
        yield from cls._seen(subject, read, tuple(given.keys() - read.keys()))

    @classmethod
    def _seen(cls, subject: Subject, read: dict[str, Material], unread: tuple[str, ...]) -> Iterator[DataAudit]:
        """First what can be counted, then what the probes say, which takes longer."""
        train, val = read.get("train", Material("train", None)), read.get("val")
        with torch.no_grad():
            counted = cls(
                splits=tuple(facts(material) for material in read.values()),
                shared=tuple(shared(train, m) for m in read.values() if m.role in ("val", "test") and m.source is not train.source),
                rescaled=tuple(filter(None, (rescaled(train, m) for m in read.values() if m.role in ("val", "test")))),
                copied=copied_generators(train.source),
                loss_on_broken=loss_on(subject, next((m.broken_batch for m in read.values() if m.broken_batch is not None), None)),
                weighted=_weighted(subject),
                unread=unread,
            )
        yield counted
        with torch.no_grad():
            told = dataclasses.replace(counted, signal=signal(train, val), pull=strongest(subject, counted.split("train"), train.source))
        yield told
        with torch.no_grad():
            yield dataclasses.replace(told, renumbered=renumbered(train, val)) if val is not None else told

    def split(self, role: str) -> Split | None:
        """The facts of one split; None where it was not read."""
        return next((split for split in self.splits if split.role == role), None)

    def line(self) -> str:
        """How far the reading is."""
        return f"{self.so_far} samples read" if not self.splits else "asking the probes"

    def told(self) -> str:
        """What was read, in half a sentence."""
        return wording.told(self)

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """The verdict."""
        return wording.sentence(self, findings)

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """What is in each split, and what the probes found."""
        return wording.blocks(self)


def _weighted(subject: Subject) -> bool:
    """Whether loss or sampler weigh the classes."""
    loss, sampler = subject.loss_fn, getattr(subject.train, "sampler", None)
    weights = [getattr(loss, name, None) for name in ("weight", "pos_weight", "alpha", "gamma")]
    return any(weight is not None for weight in weights) or "Weighted" in type(sampler).__name__ or "Balanced" in type(sampler).__name__
