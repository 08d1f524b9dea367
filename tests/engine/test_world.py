"""A program's names, copied: what is copied together stays together, the user's things are out of reach, and everything is as before."""

from __future__ import annotations

import math
import sys

import pytest
import torch

from dldebug_magics.engine.deadline import TimeSpent
from dldebug_magics.engine.memo import CannotCopy
from dldebug_magics.engine.reach import names_in
from dldebug_magics.engine.standing_in import shared_by, standing_in
from dldebug_magics.engine.world import World

SETUP = """
import torch
from torch import nn
class Net(nn.Module):
    calls = 0
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
    def forward(self, x):
        Net.calls += 1
        return scale * self.layer(x)
def stepping(model, seen=[]):
    def step(x):
        seen.append(1)
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
        scheduler.step()
    return step
scale, x = torch.full((1,), 2.0), torch.ones(3, 2)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
step, generator = stepping(net), torch.Generator().manual_seed(3)
stream = (batch for batch in [x])
unused, loss = [0], net(x).sum()
"""
CELL = "step(x); drawn = torch.rand(2, generator=generator); history = [drawn]; globals()['unused'].append(1)"


@pytest.fixture
def space():
    torch.manual_seed(0)
    names = {"__name__": "a_cell"}
    exec(SETUP, names)
    return names


def world_of(space, cell=CELL):
    return World.of(space, names_in(compile(cell, "cell", "exec")))


def test_a_run_on_copies_meets_nothing_of_the_users(space):
    original, before = world_of(space), dict(space)
    weights, state = [p.clone() for p in space["net"].parameters()], space["generator"].get_state()
    copies = original.copied(math.inf)
    shared = shared_by(original, copies)
    with standing_in(copies, shared), pytest.raises(KeyError, match="unused"):
        exec(CELL, space)
    assert list(space) == list(before) and all(space[name] is before[name] for name in before)
    assert all(torch.equal(p, w) and p.grad is None for p, w in zip(space["net"].parameters(), weights, strict=True))
    assert torch.equal(space["generator"].get_state(), state) and space["Net"].calls == 1 and space["unused"] == [0]
    assert space["stepping"].__defaults__ == ([],) and not space["optimizer"].state and space["scheduler"].last_epoch == 0


def test_copies_belong_together_and_train(space):
    copies = world_of(space).copied(math.inf)
    with standing_in(copies):
        optimizer, step = space["optimizer"], space["step"]
        (net,) = (cell.cell_contents for cell in step.__closure__ if isinstance(cell.cell_contents, torch.nn.Module))
        assert net is not None and [id(p) for p in net.parameters()] == [id(p) for p in optimizer.param_groups[0]["params"]]
        before = net.layer.weight.clone()
        step(space["x"])
        assert not torch.equal(before, net.layer.weight) and space["scheduler"].optimizer is optimizer
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01)


def test_what_has_no_copy_is_left_out_and_missing(space):
    copies = world_of(space, "next(stream); loss").copied(math.inf)
    assert {name for name, _ in copies.left_out} == {"stream", "loss"} and "generator" in dict(copies.left_out)["stream"]
    with standing_in(copies), pytest.raises(NameError, match="stream"):
        exec("next(stream)", space)
    assert next(space["stream"]) is space["x"]


def test_no_copy_where_it_would_still_lead_to_the_users_or_be_another_program(space):
    exec("class Kept:\n    net = net\nkept = Kept()", space)
    original = world_of(space, "kept.net(x)")
    with pytest.raises(CannotCopy, match="your own"):
        shared_by(original, original.copied(math.inf))
    space["net"].layer.weight.register_hook(lambda gradient: gradient)
    with pytest.raises(CannotCopy, match="hooks"):
        world_of(space).copied(math.inf)


def test_what_a_module_of_the_users_holds_is_copied_though_the_cell_imports_it_itself(space, tmp_path, monkeypatch):
    (tmp_path / "my_training.py").write_text(f"{SETUP}\ndef fit():\n    step(x)\n")
    monkeypatch.syspath_prepend(tmp_path)
    import my_training  # type: ignore[import-not-found]

    monkeypatch.delitem(sys.modules, "my_training")
    monkeypatch.setitem(sys.modules, "my_training", my_training)
    cell = "import my_training\nmy_training.fit()\nfrom my_training import fit\nfit()"
    original, before = world_of(space, cell), [p.clone() for p in my_training.net.parameters()]
    copies = original.copied(math.inf)
    with standing_in(copies, shared_by(original, copies)):
        exec(cell, space)
    assert all(torch.equal(p, w) for p, w in zip(my_training.net.parameters(), before, strict=True)) and not my_training.optimizer.state
    assert my_training.Net.calls == 1


def test_copying_keeps_the_time(space):
    with pytest.raises(TimeSpent):
        world_of(space).copied(0.0)
