"""A step on paper, or where the program needs its numbers, two real ones of some samples: memory is a straight line in their count."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ...cures.batch_size import resized, samples_in
from ...engine.ambient import seeded
from ...engine.paper import mode_of, sheet
from ...engine.subject import Subject
from ...instruments.moments import Peak
from .step import evaluation, training
from .usage import Usage

_FEW = (16, 32)
Cure = Callable[[Subject], Subject]


def trained(subject: Subject, *cures: Cure, micro_batches: int = 1) -> Usage:
    """What a step of training takes."""
    if mode_of(subject) is not None:
        return training(_cured(sheet(subject), cures), micro_batches)
    return _really(subject, lambda batch: training(_cured(dataclasses.replace(subject, batch=batch), cures), micro_batches))


def evaluated(subject: Subject, *cures: Cure, state: int = 0, gradients: bool = False) -> Usage:
    """What a pass of evaluation takes, over the validation data's batch where there is one, beside so many bytes of optimizer state."""
    subject = dataclasses.replace(subject, batch=subject.batch if subject.val is None else subject.val)
    if mode_of(subject) is not None:
        return evaluation(_cured(sheet(subject), cures), state, gradients)
    return _really(subject, lambda batch: evaluation(_cured(dataclasses.replace(subject, batch=batch), cures), state, gradients))


def evaluated_somehow(subject: Subject, state: int) -> Usage:
    """An evaluation without a graph; with one where the program takes gradients in its forward pass or loss."""
    try:
        return evaluated(subject, state=state)
    except RuntimeError:
        return evaluated(subject, state=state, gradients=True)


def _really(subject: Subject, measure: Callable[[Any], Usage]) -> Usage:
    """Real runs of two sizes and the line through them; of the batch itself where it is small, or no other size runs."""
    count = samples_in(subject.batch)
    seeded(subject.seed)
    if count is not None and count > _FEW[1]:
        try:
            few, more = (measure(resized(subject.batch, number)) for number in _FEW)
            return _stretched(few, more, count)
        except (RuntimeError, ValueError, IndexError):
            seeded(subject.seed)
    return measure(subject.batch)


def _cured(subject: Subject, cures: tuple[Cure, ...]) -> Subject:
    for cure in cures:
        subject = cure(subject)
    return subject


def _stretched(few: Usage, more: Usage, count: int) -> Usage:
    """The line through two sizes, at a third."""

    def at(a: int, b: int) -> int:
        return max(0, round(a + (b - a) * (count - _FEW[0]) / (_FEW[1] - _FEW[0])))

    def moment(a: Peak, b: Peak) -> Peak:
        kinds = tuple((kind, at(a.of(kind), size)) for kind, size in b.kinds)
        return Peak(at(a.total, b.total), kinds, b.phase, b.module)

    kept = {use.name: use.kept for use in more.modules}
    modules = (dataclasses.replace(use, kept=at(use.kept, kept.get(use.name, use.kept))) for use in few.modules)
    places = {(m.phase, m.module): m for m in few.moments}
    return dataclasses.replace(
        more,
        moments=tuple(moment(places.get((m.phase, m.module), m), m) for m in more.moments),
        first_pass=at(few.first_pass, more.first_pass),
        modules=tuple(sorted(modules, key=lambda use: -use.total)),
    )
