"""A program on paper is the same program without numbers: tied as it was, out of reach of the original, and nothing is left behind."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from dldebug_magics.ask import ask
from dldebug_magics.engine.on_paper import Paper
from dldebug_magics.engine.paper import mode_of, on, sheet
from dldebug_magics.engine.subject import Subject
from tests.deep_state import differences, state_of
from tests.test_leaves_no_trace import Trap


class Tied(nn.Module):
    """An embedding whose weights are the head's, too, and a buffer that is a view of another."""

    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(30, 8), nn.Linear(8, 30, bias=False)
        self.head.weight = self.embedding.weight
        self.register_buffer("table", torch.zeros(4, 4))
        self.register_buffer("row", self.table[1])

    def forward(self, x):
        return self.head(self.embedding(x).mean(1) + self.row.sum())


def program(model=None):
    net = model or Tied()
    batch = torch.randint(0, 30, (6, 5)), torch.randint(0, 30, (6,))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), batch, batch=batch)


def test_what_is_shared_stays_shared_and_the_optimizer_holds_the_copy():
    lent = sheet(program())
    again = sheet(lent)
    for one in (lent, again):
        assert one.model.head.weight is one.model.embedding.weight
        assert one.model.row.untyped_storage()._cdata == one.model.table.untyped_storage()._cdata
        assert one.optimizer.param_groups[0]["params"][0] is one.model.embedding.weight
        assert isinstance(one.model.head.weight, nn.Parameter) and one.model.head.weight.requires_grad
    assert again.model.head.weight is not lent.model.head.weight
    assert mode_of(lent) is mode_of(again) is not None


@pytest.mark.parametrize("kind", ["AdamW", "RAdam", "RMSprop"])
def test_an_optimizer_that_has_counted_steps_needs_what_a_new_one_does(kind):
    net, batch = nn.Linear(6, 3), (torch.randn(4, 6), torch.randint(0, 3, (4,)))
    plans = []
    for trained in (False, True):
        optimizer = getattr(torch.optim, kind)(net.parameters(), lr=1e-3)
        if trained:
            nn.functional.cross_entropy(net(batch[0]), batch[1]).backward()
            optimizer.step()
        subject = Subject(net, nn.CrossEntropyLoss(), optimizer, batch, batch=batch)
        assert all(mode_of(one) is not None for one in (sheet(subject), sheet(sheet(subject))))
        plans.append(list(ask("memory_plan", subject))[-1].experiment)
    assert not any(plan.really_run or plan.crash for plan in plans)
    assert plans[0].training.peak.total == plans[1].training.peak.total and len(plans[0].remedies) == len(plans[1].remedies) > 2


@pytest.mark.parametrize("kind", ["ASGD", "Adafactor", "LBFGS"])
def test_an_optimizer_that_paper_has_no_numbers_for_or_no_copy_is_planned_by_real_runs(kind):
    net, batch = nn.Linear(6, 3), (torch.randn(4, 6), torch.randint(0, 3, (4,)))
    optimizer = getattr(torch.optim, kind)(net.parameters(), lr=1e-3)
    before = [one.detach().clone() for one in net.parameters()]
    plan = list(ask("memory_plan", Subject(net, nn.CrossEntropyLoss(), optimizer, batch, batch=batch)))[-1].experiment
    assert plan.really_run and plan.crash is None and plan.training.peak.total > plan.evaluation.peak.total > 0
    assert not optimizer.state and all(torch.equal(one, was) for one, was in zip(net.parameters(), before, strict=True))


def test_a_step_on_paper_does_not_reach_the_original():
    subject = program()
    before = state_of(subject)
    lent = sheet(subject)
    with on(lent):
        loss = lent.loss_fn(lent.model(lent.batch[0]), lent.batch[1])
        loss.backward()
        lent.optimizer.step()
    assert loss.shape == () and differences(before, state_of(subject)) == []


def test_a_model_that_is_nowhere_is_taken_to_be_on_the_cpu():
    with torch.device("meta"):
        net = nn.Linear(3, 2)
    lent = sheet(Subject(net, batch=torch.randn(4, 3)))
    assert lent.model.weight.device.type == "cpu" and lent.model.weight.shape == (2, 3)


def test_a_loss_that_leads_to_the_original_is_not_put_on_paper():
    net = nn.Linear(5, 30)
    penalised = Subject(net, lambda output, y: output.sum() + net.weight.square().sum(), None, batch=(torch.randn(6, 5), torch.zeros(6)))
    assert Paper(program()).real is None
    assert Paper(penalised).real is not None
    assert net.weight.grad is None


def test_a_program_that_wants_its_numbers_is_lent_for_real():
    class Choosing(nn.Linear):
        def forward(self, x):
            return super().forward(x[x[:, 0] > 0])

    assert Paper(Subject(Choosing(5, 2), lambda output, y: output.sum(), batch=(torch.randn(6, 5), torch.zeros(6)))).real is not None


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_stopped_or_crashed_on_paper_nothing_is_left(error):
    subject = program()
    before, log = state_of(subject), logging.getLogger("torch._subclasses.fake_tensor")
    quiet = log.disabled
    with Trap(subject, error, "forward", 2) as trap:
        if error is KeyboardInterrupt:
            with pytest.raises(KeyboardInterrupt):
                list(ask("memory_plan", subject))
        else:
            assert list(ask("memory_plan", subject))[-1].untouched
    assert trap.sprung
    assert differences(before, state_of(subject)) == [] and log.disabled is quiet
