"""A loop that is asked about while it runs trains on unchanged, and is told what the end would tell. (Healthy ones: `test_healthy`.)"""

from __future__ import annotations

import pytest
import torch

from dldebug_magics.instruments.watch import watching
from dldebug_magics.observations.training_loop.running import alarms, page, so_far
from tests.loops.faults import FAULTY
from tests.loops.on_the_way import asked_on_the_way


@pytest.mark.parametrize("name", [name for name in FAULTY if name.startswith("missing_zero_grad")][:2] or list(FAULTY)[:1])
def test_asking_changes_neither_the_training_nor_the_report(name):
    ends = []
    for ask in (lambda watch: None, lambda watch: (alarms(watch.log, watch.checks), page(watch.log, True, ()))):
        torch.manual_seed(7)
        watch = asked_on_the_way(FAULTY[name](), ask)
        loop = watch.experiment
        ends.append((repr(loop.losses), repr(loop.census), loop.moved, [f.name for f in watch.findings], torch.get_rng_state().tolist()))
    assert ends[0] == ends[1]


def test_what_is_so_far_is_what_the_end_would_see():
    torch.manual_seed(0)
    net, x = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2)), torch.randn(8, 4)
    net[0].requires_grad_(False)
    optimizer = torch.optim.SGD(net[1].parameters(), lr=0.1)
    with watching() as log:
        for _ in range(30):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()
        early = so_far(log)
        noted = {weight.name: weight.moved for weights in log.looks.census.of.values() for weight in weights}
    late = so_far(log)
    assert early.moved and early.taken == 30 and repr(early.census) == repr(late.census)
    assert [(w.name, w.moved) for _, weights in early.census for w in weights if w.moved] == [("1.weight", True), ("1.bias", True)]
    assert noted == {w.name: w.moved for _, weights in early.census for w in weights}
