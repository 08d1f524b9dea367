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
from tests.by_turns import by_turns
from tests.deep_state import differences, state_of
from tests.healthy import KINDS, OPTIMIZERS, WITH_ALL, in_turn, make

MOMENTS = ("forward", "backward", "optimizer step")
SLOW = 0.02  # of the sound rate: the run does not end before it is stopped
# What differs from these, and from the kinds asked with all optimizers, in its data or its loss alone is left out.
WITH_ONE = """two_inputs dataclass_batch writes_to_its_input gaussian_likelihood tiny_gpt tiny_resnet one_cycle_per_batch
    left_in_evaluation_mode accumulated_gradients weighted_sampler monte_carlo_dropout frozen_batch_norm low_rank_adapters
    gradient_reversal stop_gradient_twins slow_copy_as_target straight_through_codebook target_network policy_gradient
    contrastive contrastive_in_a_step pairwise_ranking spectral_norm_discriminator generator critic_with_gradient_penalty
    normalising_flow denoiser mixture_of_experts unused_head tagger_with_padding alignment_free""".split()
PROGRAMS = [(kind, name) for kind in WITH_ALL for name in OPTIMIZERS] + [(kind, in_turn(kind)) for kind in WITH_ONE]
TURNS = ((3, 0), (6, 1), (3, 2))  # what broke is explained as well, which takes longest
each_program = [pytest.mark.parametrize(("kind", "optimizer"), by_turns(PROGRAMS, of=of, turn=turn)) for of, turn in TURNS]


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


@each_program[0]
def test_after_success(kind, optimizer):
    subject = make(kind, optimizer)
    before = state_of(subject)
    report = list(asked(subject, steps=20))[-1]
    assert differences(before, state_of(subject)) == []
    assert report.untouched, report.left_behind


@each_program[1]
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


@each_program[2]
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
