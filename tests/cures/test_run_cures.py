"""Cures of programs that do not run: what the cured program computes is what the sound one does, on both ways of lending."""

from __future__ import annotations

import contextlib
import copy
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.cures.batches import twice, without_the_rest
from dldebug_magics.cures.carried_state import state_detached
from dldebug_magics.cures.casting import in_batch, in_model, kept_in, to_kind, whole_to_real
from dldebug_magics.cures.heads import with_outputs
from dldebug_magics.cures.in_place import kept_as_it_was
from dldebug_magics.cures.whole_loss import made_of_it
from dldebug_magics.engine.borrow import Lender
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.fingerprint import changed, fingerprint
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.shape_trace import ShapeTrace


class Gated(nn.Module):
    def __init__(self, in_place, locked=False):
        super().__init__()
        torch.manual_seed(0)
        self.gate, self.head, self.in_place = nn.Linear(3, 4), nn.Linear(4, 1), in_place
        self.lock = threading.Lock() if locked else None

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x))
        if self.in_place:
            gate += 1
        else:
            gate = gate + 1
        return self.head(gate)


def gradients(subject):
    with contextlib.ExitStack() as stack:
        for context in subject.around:
            stack.enter_context(context())
        output = subject.model(subject.batch[0])
        F.mse_loss(output, subject.batch[1]).backward()
    return [p.grad for p in subject.model.parameters()]


def test_what_is_written_over_is_kept_for_the_backward_pass():
    batch = torch.randn(5, 3), torch.randn(5, 1)
    faulty, sound = (Subject(Gated(in_place), nn.MSELoss(), None, batch, batch=batch) for in_place in (True, False))
    assert all(torch.allclose(*pair) for pair in zip(gradients(kept_as_it_was(faulty)), gradients(sound), strict=True))


class Carrying(nn.Module):
    def __init__(self, detached, locked=False):
        super().__init__()
        torch.manual_seed(0)
        self.cell, self.head, self.state, self.detached = nn.GRUCell(3, 4), nn.Linear(4, 1), None, detached
        self.lock = threading.Lock() if locked else None

    def forward(self, x):
        state = self.cell(x, self.state)
        self.state = state.detach() if self.detached else state
        return self.head(state)


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize(("kind", "cure"), [(Gated, kept_as_it_was), (Carrying, state_detached)])
def test_a_cured_loan_runs_and_leaves_no_trace(kind, cure, locked):
    net, batch = kind(kind is Gated, locked), (torch.randn(5, 3), torch.randn(5, 1))
    subject = Subject(net, nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.1), batch, batch=batch)
    before, lender = fingerprint(subject), Lender(subject)
    assert lender.copies is not locked
    for change, runs in ((lambda lent: lent, False), (cure, True)):
        with lender.lend() as lent:
            assert list(ShapeTrace.measure(change(lent)))[-1].passed is runs
    assert changed(before, fingerprint(subject)) == ()


def test_a_head_gets_more_outputs_and_the_model_is_told():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.num_labels, self.conv, self.head = 3, nn.Conv2d(1, 3, 2, stride=2), nn.Linear(3, 3, bias=False)

        def forward(self, x):
            return self.head(self.conv(x).mean((2, 3))).view(-1, self.num_labels)

    batch = torch.randn(2, 1, 4, 4), torch.tensor([0, 5])
    net = Net()
    cured = with_outputs("head", 6)(Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=1), batch, batch=batch))
    assert loss_of(cured).loss.isfinite() and net.num_labels == 6 and net.head.bias is None
    with_outputs("conv", 7)(cured)
    assert net.conv.weight.shape == (7, 1, 2, 2) and net.conv.stride == (2, 2)


def test_kinds_are_cast_and_targets_are_spared():
    batch = torch.full((4, 3), 51, dtype=torch.uint8), torch.ones(4, dtype=torch.uint8)
    subject = Subject(nn.Linear(3, 2), nn.CrossEntropyLoss(), None, batch, batch=batch)
    scaled = in_batch(whole_to_real(255), targets=False)(subject).batch
    assert torch.allclose(scaled[0], torch.full((4, 3), 0.2)) and scaled[1].dtype is torch.uint8
    doubles = in_batch(to_kind(torch.uint8, torch.float64))(subject).batch
    assert {t.dtype for t in doubles} == {torch.float64}
    assert in_model(torch.float64)(subject).model.weight.dtype is torch.float64
    assert kept_in(["weight"], to_kind(torch.float64, torch.float32))(subject).model.weight.dtype is torch.float32


def test_the_loss_is_averaged_whoever_makes_it():
    net, batch = nn.Linear(3, 1), (torch.randn(4, 3), torch.randn(4, 1))
    each = nn.MSELoss(reduction="none")
    expected = each(net(batch[0]), batch[1]).mean()
    by_loss = Subject(net, each, None, batch, batch=batch)
    by_step = Subject(net, None, None, batch, batch=batch, step=lambda b: each(net(b[0]), b[1]))
    for subject in (by_loss, by_step):
        assert torch.equal(loss_of(made_of_it(torch.Tensor.mean)(subject)).loss, expected)


def test_batches_of_another_length():
    loader = DataLoader(TensorDataset(torch.arange(9.0)[:, None]), batch_size=4)
    subject = Subject(nn.Linear(1, 1), None, None, loader, batch=(torch.ones(1, 1),))
    assert [len(batch[0]) for batch in without_the_rest(subject).train] == [4, 4]
    assert [len(batch[0]) for batch in loader] == [4, 4, 1], "the user's loader is as it was"
    assert twice(subject).batch[0].shape == (2, 1)
    assert copy.copy(loader).drop_last is False
