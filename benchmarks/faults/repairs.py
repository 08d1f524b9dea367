"""Does a cure alone repair a program? Asked with three other seeds than those of the truths and of the diagnosis.

Where the one-batch run fails, it must pass with the cure, each time. Where one batch is memorised in spite of the fault, the whole training
decides: with the cure its results must beat those without, and must not fall behind the healthy twin's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from dldebug_magics.engine.ambient import seeded
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.examine import frozen
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.overfit_batch import OverfitBatch

from .program import Program, judged, trained
from .programs import build
from .truth import worse

OTHER_SEEDS = (11, 12, 13)
Cure = Callable[[Subject], Subject]
Make = Callable[[int], Program]


def repairs(cure: Cure, make: Make) -> bool:
    """Whether the cure alone repairs the program that `make` builds from a seed."""
    try:
        fails = [not _memorises(make(seed)) for seed in OTHER_SEEDS]
        if all(fails):
            return all(_memorises(make(seed), cure) for seed in OTHER_SEEDS)
        return not any(fails) and _trains_again(cure, make)
    except Exception:  # a cure that breaks the program does not repair it
        return False


def _memorises(program: Program, cure: Cure | None = None) -> bool:
    subject = frozen(program.subject())
    seeded(subject.seed)
    *_, run = OverfitBatch.measure(cure(subject) if cure is not None else subject)
    return run.passed


def _trains_again(cure: Cure, make: Make) -> bool:
    """Better than without the cure, and no worse than the twin, with results that overlap only where they should."""
    with_cure = [_trained_with(cure, make(seed)) for seed in OTHER_SEEDS]
    without, twin = [], []
    for seed in OTHER_SEEDS:
        program = make(seed)
        healthy = build(program.name, seed)
        healthy.alone = program.alone
        seeded(seed)
        without.append(trained(program))
        seeded(seed)
        twin.append(trained(healthy))
    return worse(with_cure, without) and not worse(twin, with_cure)


def _trained_with(cure: Cure, program: Program) -> float:
    """The program's own loop, each pass within the cure's contexts."""
    seeded(program.seed)
    subject = cure(frozen(program.subject()))
    for _ in range(program.epochs):
        for batch in subject.train:
            subject.optimizer.zero_grad()
            loss_of(subject, batch).loss.backward()
            subject.optimizer.step()
        if subject.scheduler is not None:
            subject.scheduler.step()
    program.model = _Within(subject)
    return judged(program)


class _Within(nn.Module):
    """A cured model; every pass of it is one pass for the cure's contexts."""

    def __init__(self, subject: Subject):
        super().__init__()
        self.model, self.around = subject.model, subject.around

    def forward(self, *inputs: torch.Tensor) -> Any:
        with contextlib.ExitStack() as stack:
            for context in self.around:
                stack.enter_context(context())
            return self.model(*inputs)
