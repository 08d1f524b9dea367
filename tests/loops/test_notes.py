"""Advice: said with its line, and never an alarm."""

from __future__ import annotations

import dataclasses

import pytest
from torch.utils.data import DataLoader

from dldebug_magics.ask import Watch
from dldebug_magics.checks.loop.loader_bottleneck import loader_bottleneck
from dldebug_magics.engine.evidence import Severity
from dldebug_magics.instruments.watch.data import DataSeen, Wait
from dldebug_magics.instruments.watch.loader_facts import of_loader
from dldebug_magics.observations.training_loop import TrainingLoop
from dldebug_magics.observations.training_loop.players import Player
from tests.loops.healthy import LOOPS


@pytest.mark.parametrize(
    ("name", "cause", "word"),
    [
        ("first_batch_by_heart_in_order", "same_batch_repeated", "next(iter(in_order))"),
        ("evaluated_with_gradients_that_are_let_go", "missing_no_grad_eval", "scores = model(x)"),
    ],
)
def test_is_a_note_where_it_may_be_meant_or_costs_little(name, cause, word):
    with Watch() as watch:
        LOOPS[name]().train()
    (found,) = watch.findings
    assert found.name == cause and found.severity is Severity.NOTE and word in found.where and watch.ok


def waited(seconds, first, batches=100, begun=3, **facts):
    """A loop of ten seconds that waited so long for its loader."""
    loader = Player("loader", dataclasses.replace(of_loader(DataLoader(range(9))), **facts))
    loop = TrainingLoop(
        loaders=(loader,), begun=(begun,), fed=(batches,), seconds=10.0, data=DataSeen(waits=(Wait(batches, seconds, first),))
    )
    return [e.fix.code for e in loader_bottleneck.function(loop)]


def test_what_helps_depends_on_who_reads_and_when_it_takes_long():
    assert "num_workers=4" in waited(8.0, 0.1)[0]
    assert "num_workers=8" in waited(8.0, 0.1, workers=4)[0]
    assert "persistent_workers=True" in waited(8.0, 7.0, workers=4)[0]
    assert not waited(8.0, 7.0, workers=4, keeps_workers=True) and not waited(8.0, 7.0, workers=4, begun=1)
    assert not waited(4.0, 0.1) and not waited(8.0, 0.1, batches=3) and not waited(8.0, 0.1, batches=100_000)
