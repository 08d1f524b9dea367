"""Samples that stand in two splits, found by a digest of their inputs."""

from __future__ import annotations

import dataclasses

from .material import Material


@dataclasses.dataclass(frozen=True)
class Shared:
    """`count` of the `samples` read in split `there` have inputs that also stand in split `here`; `with_label` have the same label, too.

    `pairs` are (number in `here`, number in `there`) of the first few.
    """

    here: str
    there: str
    count: int
    with_label: int
    samples: int
    read: int
    pairs: tuple[tuple[int, int], ...]


def shared(here: Material, there: Material) -> Shared:
    """How many samples of `there` stand in `here`."""
    known: dict[bytes, int] = {}
    labelled = set(zip(here.words, here.answers, strict=False))
    for word, number in zip(here.words, here.numbers, strict=False):
        known.setdefault(word, number)
    found = [row for row, word in enumerate(there.words) if word in known]
    same = sum((there.words[row], there.answers[row]) in labelled for row in found if row < len(there.answers))
    pairs = tuple((known[there.words[row]], there.numbers[row]) for row in found[:3])
    return Shared(here.role, there.role, len(found), same, len(there.words), len(here.words), pairs)
