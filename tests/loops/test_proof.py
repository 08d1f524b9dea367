"""`watch(train, prove=True)`: what is likely is tried on copies, and the user's training, objects and random numbers stay as they were."""

from __future__ import annotations

import inspect
import random
import time

import numpy
import pytest
import torch
from torch import nn

import dldebug
from dldebug_magics.ask import Watch
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.evidence import Confidence
from dldebug_magics.instruments.again import Again, Program
from dldebug_magics.instruments.watch import _standing
from tests.loops.faults import FAULTY
from tests.loops.healthy import LOOPS

HEALTHY = "cleared_first one_cycle_each_batch scaled_unscaled_and_clipped teacher_that_follows generator_and_discriminator".split()
LIKELY = {"grad_clip_too_small__momentum": True, "wrong_reduction__by_hand": True, "wrong_reduction__plain": None}


def state(*modules):
    tensors = [t for module in modules for t in (*module.state_dict().values(), *(p.grad for p in module.parameters()))]
    numbers = torch.get_rng_state().tolist(), random.getstate(), numpy.random.get_state()[1].tolist()
    return [None if t is None else t.tolist() for t in tensors], numbers, _standing()


def seeded():
    torch.manual_seed(7), random.seed(7), numpy.random.seed(7)


@pytest.mark.parametrize("name", HEALTHY)
def test_runs_on_copies_leave_a_healthy_loop_as_it_is_and_train_as_it_did(name):
    seeded()
    plain = LOOPS[name]()
    plain.train()
    unwatched = state(*plain.modules)
    seeded()
    program = LOOPS[name]()
    again, watch = Again(Program.of(program.train), 100.0), Watch()
    with watch:
        program.train()
    assert state(*program.modules) == unwatched and again.copies.refused == ""
    for repeat in range(2):
        course = again.copies.run((), repeat, (12, time.monotonic() + 100))
        same = [a == pytest.approx(b) for a, b in zip(course.passes, watch.log.losses, strict=False)]
        assert course.steps == 12 and (repeat or all(same)), course.ended
    assert state(*program.modules) == unwatched


@pytest.mark.parametrize("name", LIKELY)
def test_what_is_likely_is_proven_where_the_change_helps_and_nothing_of_the_users_changes(name):
    found = []
    for prove in (False, True):
        seeded()
        train = FAULTY[name]()
        report = dldebug.watch(train, prove=prove, budget=300)
        held = inspect.getclosurevars(train).nonlocals.values()
        found.append(state(*(thing for thing in held if isinstance(thing, nn.Module))))
    first = report.findings[0]
    assert repr(found[0]) == repr(found[1]) and report.untouched and first.name == name.partition("__")[0]
    assert (first.confidence is Confidence.PROVEN) is bool(LIKELY[name]) and (first.again is None) is (LIKELY[name] is None)
    assert bool(report.not_examined) is (LIKELY[name] is None)


def test_a_block_cannot_run_again():
    with pytest.raises(UserMistake, match="a block can't be run again"):
        dldebug.watch(prove=True)
