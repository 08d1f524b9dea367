"""Every byte is booked: against hand-made numbers, and against an independent count of live storages."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import Tensor, nn

from dldebug_magics.engine.paper import sheet
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.ledger import Ledger
from dldebug_magics.instruments.module_spans import ModuleSpans
from dldebug_magics.instruments.moments import ACTIVATIONS, BATCH, GRADIENTS, PARAMETERS, STATE
from dldebug_magics.observations.memory_plan.measured import evaluated, trained


def ledger(model=None):
    return Ledger(ModuleSpans(model or nn.Identity()))


def live_bytes():
    """What all tensors hold that the garbage collector knows, each storage once."""
    gc.collect()
    found = [t.untyped_storage() for t in gc.get_objects() if issubclass(type(t), Tensor) and t.layout is torch.strided]
    return sum({s._cdata: s.nbytes() for s in found}.values())


def test_counts_storages_not_tensors_and_sees_them_go():
    book = ledger()
    with book:
        a = torch.zeros(10)
        b = a.view(2, 5)
        assert book.now == 40
        c = b + 1
        assert (book.now, book.peak.total) == (80, 80)
        del a, b
        assert (book.now, book.peak.total) == (40, 80)
        del c
        assert (book.now, book.peak.total) == (0, 80)


def test_agrees_with_a_count_of_live_storages_after_each_part_of_a_step():
    torch.manual_seed(0)
    net, x, y = nn.Sequential(nn.Linear(30, 40), nn.ReLU(), nn.Linear(40, 3)), torch.randn(16, 30), torch.randint(0, 3, (16,))
    optimizer = torch.optim.Adam(net.parameters())
    before, book = live_bytes(), ledger(net)
    book.enter([*net.parameters(), x, y], PARAMETERS)
    before -= book.now
    with book:
        output = net(x)
        loss = nn.functional.cross_entropy(output, y)
        assert book.now >= live_bytes() - before  # what autograd holds for itself, the collector does not see
        loss.backward()
        assert book.now == live_bytes() - before
        optimizer.step()
        assert book.now == live_bytes() - before


@pytest.mark.parametrize(("optimizer", "states"), [(torch.optim.Adam, 2), (torch.optim.SGD, 0), (torch.optim.RMSprop, 1)])
def test_parts_of_a_step_by_hand(optimizer, states):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(100, 50), nn.Linear(50, 10))
    batch = torch.randn(8, 100), torch.randn(8, 10)
    parameters = 4 * (100 * 50 + 50 + 50 * 10 + 10)
    usage = trained(sheet(Subject(net, nn.MSELoss(), optimizer(net.parameters()), batch, batch=batch)))
    counts = 4 * 4 * (optimizer is not torch.optim.SGD)  # the four parameters' step counts
    assert (usage.gradients, usage.state) == (parameters, states * parameters + counts)
    assert usage.peak.of(PARAMETERS) == parameters
    assert usage.peak.of(BATCH) == 4 * 8 * 110
    assert usage.peak.of(STATE) == usage.state
    if states:
        assert usage.peak.of(GRADIENTS) == parameters and usage.peak.phase == "optimizer step"


def test_what_each_module_takes():
    net = nn.Sequential(nn.Linear(100, 50), nn.Sigmoid(), nn.Linear(50, 10))
    batch = torch.randn(8, 100), torch.randn(8, 10)
    usage = trained(sheet(Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters()), batch, batch=batch)))
    first, last = (next(use for use in usage.modules if use.name == name) for name in "02")
    assert (first.parameters, first.gradients, first.state) == (4 * 5050, 4 * 5050, 8 * 5050 + 8)
    assert last.parameters == 4 * 510
    assert first.share == pytest.approx(5050 / 5560)
    assert next(use for use in usage.modules if use.name == "1").kept == 4 * 8 * 50


def test_frozen_parameters_have_no_gradient_and_no_state():
    net = nn.Sequential(nn.Linear(100, 50), nn.Linear(50, 10))
    net[0].requires_grad_(False)
    batch = torch.randn(8, 100), torch.randn(8, 10)
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad])
    usage = trained(sheet(Subject(net, nn.MSELoss(), optimizer, batch, batch=batch)))
    assert (usage.gradients, usage.state) == (4 * 510, 8 * 510 + 8)


def test_evaluation_keeps_nothing_and_a_graph_does():
    net = nn.Sequential(*(nn.Linear(64, 64) if i % 2 == 0 else nn.Tanh() for i in range(12)))
    batch = torch.randn(128, 64), torch.randn(128, 64)
    subject = Subject(net, nn.MSELoss(), None, batch, batch=batch)
    kept, without = (evaluated(sheet(subject), gradients=g).peak.of(ACTIVATIONS) for g in (True, False))
    assert kept >= 6 * 4 * 128 * 64  # what each tanh gave
    assert without <= 3 * 4 * 128 * 64


def test_the_module_of_a_backward_pass_is_known():
    net = nn.Sequential(nn.Linear(4, 1000), nn.Linear(1000, 4))
    batch = torch.randn(2000, 4), torch.randn(2000, 4)
    usage = trained(sheet(Subject(net, nn.MSELoss(), torch.optim.SGD(net.parameters()), batch, batch=batch)))
    assert (usage.peak.phase, usage.peak.module) == ("backward pass", "1")
