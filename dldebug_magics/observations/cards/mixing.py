"""What mixes the samples of a batch: the call that does it, and the one change that keeps them apart, tried before it is believed.

Every torch call of two passes is compared, one of them with a changed sample. A suspected call counts only if with its cure the outputs of
the other samples stay where they are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ...cures.axes import batch_first, permuted, reduced_over
from ...engine.ambient import seeded
from ...engine.call import forward, split
from ...engine.nested import mapped, tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.flow import Flow, Step, changed, mixing
from ...instruments.source_lines import Line
from .mixing_calls import order_of, other_axes, standardises
from .samples import SampleCard, with_first_changed

_MOST = 24  # calls that are cured together
_LOOKED_AT = 4  # mixing calls that are tried, of those that a pass shows


@dataclasses.dataclass(frozen=True)
class Mixer:
    """One mixing call. kind: `layer` (with `batch_first` False), `reduction` or `reshape`.

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

    def cure(self, subject: Subject) -> Subject:
        """The subject without this mixing."""
        if self.kind == "layer":
            return batch_first(self.module)(subject)
        if self.kind == "reduction":
            return reduced_over(self.name, self.index, self.change, self.keepdim)(subject)
        return permuted(self.name, self.index, self.change, self.shapes[1])(subject)


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
        """Nothing is run where the samples are apart; else two passes for each call that is tried."""
        lost = not samples.keeps_batch and _has_a_target_each(subject)
        yield cls(tuple(_found(subject, samples.samples)) if samples.mixes or lost else ())


def _has_a_target_each(subject: Subject) -> bool:
    count, targets = next(tensors(subject.batch)).shape[0], list(tensors(split(subject, subject.batch)[2]))
    return subject.loss_fn is not None and bool(targets) and targets[0].shape[:1] == (count,)


def _found(subject: Subject, samples: int) -> list[Mixer]:
    """Cure a mixing call, look again, and so on until the outputs are apart."""
    subject.model.eval()
    mixers: list[Mixer] = []
    steps = _Compared(subject, samples)
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


def _tried(subject: Subject, mixer: Mixer, samples: int) -> tuple[Subject, _Compared] | None:
    layer = subject.model.get_submodule(mixer.module) if mixer.kind == "layer" else None
    try:
        cured = mixer.cure(subject)
        return cured, _Compared(cured, samples)
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):  # shapes that do not fit: no cure of this program
        if layer is not None:
            layer.batch_first = False
        return None


class _Compared:
    """Two passes, one with the first sample changed: the calls that mix, and whether the outputs are apart along the first axis."""

    def __init__(self, subject: Subject, samples: int):
        change = mapped(subject.batch, lambda t: with_first_changed(t, 0, samples))
        (one, clean), (other, moved) = _passed(subject, subject.batch), _passed(subject, change)
        masks = [changed(a, b) for a, b in zip(one, other, strict=True) if a.ndim]
        share = masks[0].shape[0] // samples if masks else 0
        self.apart = share > 0 and masks[0].shape[0] == share * samples and not masks[0][share:].any()
        self.steps = clean
        self.mixing = list(mixing(clean, moved, samples))


def _passed(subject: Subject, batch: Any) -> tuple[list[Tensor], list[Step]]:
    seeded(subject.seed)
    with contextlib.ExitStack() as stack:
        for context in subject.around:
            stack.enter_context(context())
        flow = stack.enter_context(Flow(subject.model))
        stack.enter_context(torch.enable_grad())
        output, _ = forward(subject, batch)
    return [t.detach() for t in tensors(output) if t.is_floating_point()], flow.steps


def _suspects(subject: Subject, compared: _Compared, samples: int) -> Iterator[Mixer]:
    """What a mixing call may be, and how it would be cured."""
    for step, axis in compared.mixing[:_LOOKED_AT]:
        shapes = tuple(step.given[0].shape), tuple(step.made[0].shape)
        made = functools.partial(Mixer, name=step.name, index=step.index, module=step.module, line=step.line, shapes=shapes)
        if getattr(subject.model.get_submodule(step.module), "batch_first", None) is False:
            yield made("layer")
        for axes in () if standardises(step, compared.steps) else other_axes(step, axis):
            yield made("reduction", change=axes)
            yield made("reduction", change=axes, keepdim=True)
        for order in order_of(step, axis, samples):
            yield made("reshape", change=order)
