"""The numbers of a watched loop's steps against the same numbers taken by plain code in the loop itself."""

from __future__ import annotations

import math

import psutil
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dldebug_magics.ask import Watch
from dldebug_magics.instruments.watch import moments as module
from dldebug_magics.instruments.watch import watching
from dldebug_magics.instruments.watch.layer_groups import named_groups
from dldebug_magics.instruments.watch.moments import resident
from dldebug_magics.instruments.watch.pace import is_looked_at


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head, self.scale = nn.Sequential(nn.Linear(6, 8), nn.ReLU()), nn.Linear(8, 3), nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.head(self.body(x)) * self.scale


def norm(tensors):
    return torch.cat([t.detach().flatten().double() for t in tensors]).norm().item()


def test_norms_of_each_step_are_those_that_the_loop_itself_takes():
    torch.manual_seed(0)
    net, x, y = Net(), torch.randn(16, 6), torch.randint(0, 3, (16,))
    optimizer, plain = torch.optim.Adam(net.parameters(), lr=0.01), []
    with watching() as log:
        for _ in range(30):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            before, gradients = [p.detach().clone() for p in net.parameters()], [p.grad.clone() for p in net.parameters()]
            optimizer.step()
            parts = [norm([net.scale.grad]), norm(p.grad for p in net.body.parameters()), norm(p.grad for p in net.head.parameters())]
            update = norm(p - old for p, old in zip(net.parameters(), before, strict=True))
            plain.append((loss.item(), 0.01, norm(gradients), update, norm(before), *parts))
    rows = log.looks.moments.rows
    assert [row.number for row in rows] == [step for step in range(30) if is_looked_at(step)]
    for row in rows:
        taken = row.loss, row.rate, row.gradient, row.update, row.weights, *(value for _, value in row.groups)
        assert taken == pytest.approx(plain[row.number], rel=1e-4)
        assert [name for name, _ in row.groups] == ["net", "net.body", "net.head"]
        assert 0 <= row.waited <= row.seconds and not row.on_device


def test_each_optimizer_has_the_groups_that_it_steps():
    torch.manual_seed(0)
    maker, judge, z = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 6)), nn.Linear(6, 1), torch.randn(8, 2)
    of_maker, of_judge = torch.optim.SGD(maker.parameters(), 0.1), torch.optim.SGD(judge.parameters(), 0.1)
    with watching() as log:
        for _ in range(3):
            judge(maker(z).detach()).mean().backward()
            of_judge.step()
            of_judge.zero_grad()
            judge(maker(z)).mean().backward()
            of_maker.step()
            of_maker.zero_grad()
    names = [(row.optimizer, [name for name, _ in row.groups]) for row in log.looks.moments.rows]
    assert names == [(0, ["judge"]), (1, ["maker.0", "maker.1"])] * 3


def test_a_closure_leaves_the_gradient_of_its_last_pass():
    torch.manual_seed(0)
    net, x = nn.Linear(3, 1), torch.randn(8, 3)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        return loss

    with watching() as log:
        optimizer.step(closure)
        last = norm(p.grad for p in net.parameters())
    (row,) = log.looks.moments.rows
    assert row.gradient == pytest.approx(last, rel=1e-5) and math.isnan(row.update)


def test_sparse_gradients_count_and_halves_do_not_overflow():
    table, head = nn.Embedding(5, 3, sparse=True), nn.Linear(3, 2).half()
    net = nn.ModuleDict({"table": table, "head": head})
    with watching() as log:
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        (head(table(torch.tensor([1, 2, 1])).half()).float().sum() * 1000).backward()
        plain = [norm([table.weight.grad.to_dense()]), norm(p.grad for p in head.parameters())]
        optimizer.step()
    (row,) = log.looks.moments.rows
    assert [value for _, value in row.groups] == pytest.approx(plain, rel=1e-3) and plain[1] > 4000  # its square is no half any more


def test_memory_is_what_the_process_holds():
    assert resident() == pytest.approx(psutil.Process().memory_info().rss, rel=0.02)
    before, kept = resident(), torch.ones(20_000_000)
    assert resident() - before == pytest.approx(80e6, rel=0.1) and kept[0] == 1


def test_memory_that_grows_has_a_line_and_memory_that_stays_has_none():
    net, kept = nn.Linear(4, 2), []
    optimizer = torch.optim.SGD(net.parameters(), 0.01)

    def train(grows):
        for _ in range(30):
            optimizer.zero_grad()
            net(torch.ones(8, 4)).mean().backward()
            optimizer.step()
            kept.append(torch.ones(1_000_000 if grows else 1))

    lines = []
    for grows in (True, False):
        with Watch() as watch:
            train(grows)
        lines.append([name for name, _ in watch.document()[1].rows if "memory" in name])
    assert lines == [["memory of the process"], []]


def test_what_is_kept_has_an_end(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 10)
    net = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    with watching() as log:
        for _ in range(80):
            net(torch.ones(8, 4)).mean().backward()
            optimizer.step()
    numbers = [row.number for row in log.looks.moments.rows]
    assert len(numbers) < 10 and numbers[0] == 0 and numbers[-1] > 60 and numbers == sorted(numbers)


def test_groups_beyond_a_wrapper_and_of_a_compiled_model():
    inner = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    wrapped = torch.compile(nn.Sequential(inner), backend="eager")
    assert list(dict.fromkeys(name for name, _ in named_groups(wrapped, "net"))) == ["net.0.0", "net.0.1"]
    deep = nn.Sequential(*(nn.Linear(1, 1) for _ in range(50)))
    names = list(dict.fromkeys(name for name, _ in named_groups(deep, "net")))
    assert len(names) == 41 and names[-1] == "net, further parts"
