"""After every diagnosis, ended, crashed or stopped at any moment, everything is bit-identical: by the tests' own comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

from dldebug_magics.ask import ask
from dldebug_magics.engine.nested import tensors
from dldebug_magics.engine.subject import Subject
from tests.deep_state import differences, state_of
from tests.healthy import KINDS, OPTIMIZERS, make

MOMENTS = ("forward", "backward", "optimizer step")
SLOW = 0.02  # of the sound rate: the run does not end before it is stopped
EVERYWHERE = """conv_batch_norm residual_with_zero_branch segmentation weight_normalised frozen_backbone caches_activation lstm gru
    transformer_with_dropout tied_weights carries_detached_state tiny_bert variational_autoencoder penalised_weights lazy_layers own_step
    own_generator""".split()  # stopped with every optimizer; the others, which differ from these in their data, with one
each_program = pytest.mark.parametrize(("kind", "optimizer"), [(kind, optimizer) for kind in KINDS for optimizer in OPTIMIZERS])


class Trap:
    """Raises at one moment of the n-th step of optimizers of a kind: by hooks on all modules and optimizers, out of the program's reach."""

    def __init__(self, subject: Subject, error: type[BaseException], moment: str, step: int):
        self.kind, self.error, self.moment, self.step, self.done, self.sprung = type(subject.optimizer), error, moment, step, 0, False

    def __enter__(self) -> Trap:
        self.handles = [register_module_forward_hook(self._passed), register_optimizer_step_post_hook(self._stepped)]
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _stepped(self, optimizer: torch.optim.Optimizer, *passed: Any) -> None:
        self.done += type(optimizer) is self.kind
        if self.moment == "optimizer step" and self.done == self.step:
            self._spring()

    def _passed(self, module: nn.Module, given: Any, output: Any) -> None:
        if self.sprung or self.done != self.step - 1 or self.moment == "optimizer step":
            return
        if self.moment == "forward":
            self._spring()
        first = next((t for t in tensors(output) if t.requires_grad), None)
        if first is not None:
            first.register_hook(self._flowed)

    def _flowed(self, gradient: Tensor) -> None:
        if not self.sprung:
            self._spring()

    def _spring(self) -> None:
        self.sprung = True
        raise self.error("on purpose")


def asked(subject: Any, **options: Any) -> Iterator[Any]:
    return ask("overfit_batch", subject, budget=20.0, **options)


@each_program
def test_after_success(kind, optimizer):
    subject = make(kind, optimizer)
    before = state_of(subject)
    report = list(asked(subject, steps=20))[-1]
    assert differences(before, state_of(subject)) == []
    assert report.untouched, report.left_behind


@each_program
def test_after_an_exception(kind, optimizer):
    place = list(KINDS).index(kind) + 5 * list(OPTIMIZERS).index(optimizer)
    moment, step = MOMENTS[place % 3], 2 + place % 17
    subject = make(kind, optimizer, pace=SLOW)
    before = state_of(subject)
    with Trap(subject, RuntimeError, moment, step) as trap:
        report = list(asked(subject, steps=20))[-1]
    assert trap.sprung and report.experiment.crash is not None
    assert differences(before, state_of(subject)) == []
    assert report.untouched, report.left_behind


@pytest.mark.parametrize(("kind", "optimizer"), [(k, o) for k in KINDS for o in (OPTIMIZERS if k in EVERYWHERE else ["AdamW"])])
def test_after_an_interruption_at_every_tenth_step(kind, optimizer):
    subject = make(kind, optimizer, pace=SLOW)
    before = state_of(subject)
    for number, step in enumerate(range(10, 61, 10)):
        with Trap(subject, KeyboardInterrupt, MOMENTS[number % len(MOMENTS)], step) as trap, pytest.raises(KeyboardInterrupt):
            for report in asked(subject, steps=60):
                last = report
        assert trap.sprung and last.stopped and last.untouched, (step, last.left_behind)
        assert differences(before, state_of(subject)) == [], step


@pytest.mark.parametrize("kind", ["conv_batch_norm", "caches_activation", "own_step"])
def test_when_whoever_reads_the_reports_stops_reading(kind):
    subject = make(kind, "Adam", pace=SLOW)
    before = state_of(subject)
    for end in ("close", "throw"):
        reports = asked(subject, steps=60)
        next(reports)
        if end == "close":
            reports.close()
        else:
            assert reports.throw(KeyboardInterrupt).stopped
            with pytest.raises(KeyboardInterrupt):
                next(reports)
        assert differences(before, state_of(subject)) == [], end
