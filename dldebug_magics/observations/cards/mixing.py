"""What mixes the samples of a batch: the call that does it, and the one change that keeps them apart, tried before it is believed.

Every torch call of two passes is compared, one of them with a changed sample. A suspected call counts only if with its cure the outputs of
the other samples stay where they are.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

from ...cures.axes import batch_first, permuted, reduced_over
from ...engine.call import split
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.source_lines import Line
from .batch_axis import one_fewer
from .broken_reduction import repaired_by
from .compared import Compared
from .mixing_calls import order_of, other_axes, standardises
from .samples import SampleCard

_MOST = 24  # calls that are cured together
_FEWEST = 3  # samples
_LOOKED_AT = 4  # mixing calls that are tried, of those that a pass shows


@dataclasses.dataclass(frozen=True)
class Mixer:
    """One mixing call. kind: `layer` (with `batch_first` the wrong way), `reduction` or `reshape`.

    `change` is what its cure needs, axes or an order; `shapes` are those of what went in and what came out.
    """

    kind: str
    name: str
    index: int
    module: str
    line: Line
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    change: tuple[int, ...] = ()
    keepdim: bool = False
    batch_first: bool = True

    def cure(self, subject: Subject) -> Subject:
        """The subject without this mixing."""
        if self.kind == "layer":
            return batch_first(self.module, self.batch_first)(subject)
        if self.kind == "reduction":
            return reduced_over(self.name, self.index, self.change, self.keepdim)(subject)
        return permuted(self.name, self.index, self.change)(subject)


@dataclasses.dataclass(frozen=True)
class MixingCard(Observation):
    """The mixing calls which, cured together, leave the samples apart; none where no such cure is known."""

    mixers: tuple[Mixer, ...] = ()

    @property
    def kind(self) -> str:
        """What the first of them is; empty where there is none."""
        return self.mixers[0].kind if self.mixers else ""

    def cure(self, subject: Subject) -> Subject:
        """All of them cured."""
        for mixer in self.mixers:
            subject = mixer.cure(subject)
        return subject

    @classmethod
    def measure(cls, subject: Subject, samples: SampleCard) -> Iterator[MixingCard]:
        """Nothing is run where the samples are apart; else two passes for each call that is tried, also with one sample fewer."""
        lost = not samples.keeps_batch and _has_a_target_each(subject)
        found = _found(subject, samples.samples) if samples.mixes or lost else []
        if samples.mixes and not found and samples.samples > _FEWEST:
            found = _with_one_fewer(subject, samples.samples)
        for call, axes in repaired_by(subject) if not samples.runs or (lost and not found) else ():
            found = found or [Mixer("reduction", call.name, call.index, call.module, call.line, (call.shape, call.result), axes)]
        yield cls(tuple(found))


def _with_one_fewer(subject: Subject, samples: int) -> list[Mixer]:
    """A square table looks the same before and after a reshape that turns it."""
    try:
        return _found(one_fewer(subject), samples - 1)
    except (RuntimeError, ValueError, IndexError):  # the program is written for this number of samples
        return []


def _has_a_target_each(subject: Subject) -> bool:
    count, targets = next(tensors(subject.batch)).shape[0], list(tensors(split(subject, subject.batch)[2]))
    return subject.loss_fn is not None and bool(targets) and targets[0].shape[:1] == (count,)


def _found(subject: Subject, samples: int) -> list[Mixer]:
    """Cure a mixing call, look again, and so on until the outputs are apart."""
    subject.model.eval()
    mixers: list[Mixer] = []
    steps = Compared(subject, samples)
    while not steps.apart and len(mixers) < _MOST:
        for mixer in list(_suspects(subject, steps, samples))[: 2 * _LOOKED_AT]:
            again = _tried(subject, mixer, samples)
            if again is not None and (again[1].apart or len(again[1].mixing) < len(steps.mixing) or mixer.kind == "layer"):
                subject, steps = again
                mixers.append(mixer)
                break
        else:
            return []
    return mixers if steps.apart else []


def _tried(subject: Subject, mixer: Mixer, samples: int) -> tuple[Subject, Compared] | None:
    layer = subject.model.get_submodule(mixer.module) if mixer.kind == "layer" else None
    try:
        cured = mixer.cure(subject)
        return cured, Compared(cured, samples)
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):  # shapes that do not fit: no cure of this program
        if layer is not None:
            layer.batch_first = not mixer.batch_first
        return None


def _suspects(subject: Subject, compared: Compared, samples: int) -> Iterator[Mixer]:
    """What a mixing call may be, and how it would be cured."""
    for step, axis in compared.mixing[:_LOOKED_AT]:
        shapes = tuple(step.given[0].shape), tuple(step.made[0].shape)
        made = functools.partial(Mixer, name=step.name, index=step.index, module=step.module, line=step.line, shapes=shapes)
        told = getattr(subject.model.get_submodule(step.module), "batch_first", None)
        if isinstance(told, bool):
            yield made("layer", batch_first=not told)
        for axes in () if standardises(step, compared.steps) else other_axes(step, axis):
            yield made("reduction", change=axes)
            yield made("reduction", change=axes, keepdim=True)
        for order in order_of(step, axis, samples):
            yield made("reshape", change=order)
    yield from _before(compared, samples)


def _before(compared: Compared, samples: int) -> Iterator[Mixer]:
    """Reshapes ahead of the first mixing call: rows that a sample fills by pieces are told from whole samples by what follows only."""
    first = next((number for number, step in enumerate(compared.steps) if compared.mixing and step is compared.mixing[0][0]), 0)
    for step in compared.steps[:first]:
        for order in order_of(step, 0, samples) if step.given[0].shape[:1] == (samples,) else ():
            shapes = tuple(step.given[0].shape), tuple(step.made[0].shape)
            yield Mixer("reshape", step.name, step.index, step.module, step.line, shapes, order)
