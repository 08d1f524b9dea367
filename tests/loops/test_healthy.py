"""Healthy loops are left in peace, at every step of their way, and train to the last bit as they would unwatched and unasked."""

from __future__ import annotations

import random

import numpy
import pytest
import torch

from dldebug_magics.observations.training_loop.running import alarms
from tests.loops.healthy import LOOPS
from tests.loops.on_the_way import asked_on_the_way

each_loop = pytest.mark.parametrize("name", LOOPS)


def seeded():
    torch.manual_seed(7), random.seed(7), numpy.random.seed(7)


def trained(name, run):
    """What `run(train)` returns, and what it leaves behind."""
    seeded()
    program = LOOPS[name]()
    seeded()  # a library that was imported for it may have drawn random numbers
    watch = run(program.train)
    weights = [value.clone() for module in program.modules for value in module.state_dict().values()]
    gradients = [p.grad for module in program.modules for p in module.parameters()]
    return watch, weights, gradients, torch.get_rng_state(), random.getstate(), numpy.random.get_state()[1].tolist()


@each_loop
def test_is_left_in_peace_and_unchanged(name):
    _, weights, gradients, *numbers = trained(name, lambda train: train())
    on_the_way = set()
    watch, weights_watched, gradients_watched, *numbers_watched = trained(
        name, lambda train: asked_on_the_way(train, lambda watch: on_the_way.update(f.name for f in alarms(watch.log, watch.checks)))
    )
    assert not on_the_way
    assert [f.name for f in watch.alarms] == [] and watch.not_examined == ()
    assert "loss_weight_imbalance" not in [f.name for f in watch.findings]  # a note, which would cry wolf all the same
    assert watch.untouched and watch.experiment.blind == "", (watch.left_behind, watch.experiment.blind)
    assert all(torch.equal(a, b) for a, b in zip(weights, weights_watched, strict=True))
    pairs = list(zip(gradients, gradients_watched, strict=True))
    assert all((a is None) == (b is None) and (a is None or torch.equal(a, b)) for a, b in pairs)
    assert torch.equal(numbers[0], numbers_watched[0]) and numbers[1:] == numbers_watched[1:]
    assert repr(watch) and watch._repr_html_()
