"""The overfit run against a plain loop written here, step for step; what it says about itself, when it ends, and how crashes are told."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.ask import ask
from dldebug_magics.engine.report import Report
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.overfit_batch import OverfitBatch
from dldebug_magics.observations.overfit_batch.curve import Shape

torch.manual_seed(7)
X, Y, LABELS = torch.randn(16, 5), torch.randn(16, 1), torch.randint(0, 3, (16,))
STEPS = 12


def mlp(*closing, outputs=1):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, outputs), *closing)


def measured(net, optimizer=None, loss_fn=None, data=(X, Y), scheduler=None, seed=0, **options):
    """The last observation of a run; the floor is out of reach in so few steps."""
    subject = Subject(net, loss_fn or nn.MSELoss(), optimizer, data, scheduler=scheduler, seed=seed, batch=data)
    return list(OverfitBatch.measure(subject, **options))[-1]


def by_hand(net, optimizer, loss_fn=None, data=(X, Y), steps=STEPS, seed=0):
    """Losses before each step, and after the steps 1, 2, 4, ... the relative change of all weights."""
    torch.manual_seed(seed)
    losses, updates = [], []
    for step in range(steps):
        before = torch.cat([p.detach().flatten() for p in net.parameters()]).clone()

        def closure():
            optimizer.zero_grad()
            loss = (loss_fn or nn.MSELoss())(net(data[0]), data[1])
            loss.backward()
            return loss

        losses.append(optimizer.step(closure).item())
        after = torch.cat([p.detach().flatten() for p in net.parameters()])
        if step in (0, 1, 2, 4, 8):
            updates.append((step, ((after - before).norm() / before.norm()).item()))
    return losses, updates


OPTIMIZERS = {
    "SGD": lambda net: torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9),
    "nesterov": lambda net: torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda net: torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.8, 0.99)),
    "LBFGS": lambda net: torch.optim.LBFGS(net.parameters(), lr=0.05, max_iter=2),
    "maximize": lambda net: torch.optim.SGD(net.parameters(), lr=1e-4, maximize=True),
    "groups": lambda net: torch.optim.SGD([{"params": net[0].parameters(), "lr": 0.02}, {"params": net[2].parameters()}], lr=0.005),
    "half": lambda net: torch.optim.SGD(net[2].parameters(), lr=0.01),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_curve_is_that_of_a_plain_loop(kind):
    one, other = mlp(), mlp()
    run = measured(one, OPTIMIZERS[kind](one), steps=STEPS)
    losses, updates = by_hand(other, OPTIMIZERS[kind](other))
    assert run.losses[:STEPS] == pytest.approx(losses, rel=1e-5)
    assert [n for n, _ in run.updates][:5] == [n for n, _ in updates]
    assert [u for _, u in run.updates][:5] == pytest.approx([u for _, u in updates], rel=1e-3)
    assert not run.default_optimizer and run.crash is None and run.samples == 16


def test_dropout_and_batch_norm_draw_the_same_numbers_as_the_loop():
    one, other = (mlp(nn.BatchNorm1d(1), nn.Dropout(0.5)) for _ in range(2))
    run = measured(one, torch.optim.SGD(one.parameters(), lr=0.01), seed=4, steps=STEPS)
    losses, _ = by_hand(other, torch.optim.SGD(other.parameters(), lr=0.01), seed=4)
    assert run.losses[:STEPS] == pytest.approx(losses, rel=1e-5)


def test_an_optimizer_in_the_middle_of_its_work_goes_on_from_there():
    nets = [mlp(), mlp()]
    optimizers = [torch.optim.Adam(net.parameters(), lr=0.01) for net in nets]
    for net, optimizer in zip(nets, optimizers, strict=True):
        by_hand(net, optimizer, steps=3)
    assert measured(nets[0], optimizers[0], steps=STEPS).losses[:STEPS] == pytest.approx(by_hand(nets[1], optimizers[1])[0], rel=1e-5)


SCHEDULES = {
    "linear warm-up": (lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.001, total_iters=100), 0),
    "lambda from nothing": (lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda step: min(step / 100, 1.0)), 0),
    "decayed": (lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10), 8),
    "one cycle": (lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.02, total_steps=100, cycle_momentum=False), 0),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_held_at_its_peak(name):
    make, done = SCHEDULES[name]
    one, other = mlp(), mlp()
    optimizer = torch.optim.SGD(one.parameters(), lr=0.02)
    scheduler = make(optimizer)
    optimizer.step()
    for _ in range(done):
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] < 0.01
    run = measured(one, optimizer, scheduler=scheduler, steps=STEPS)
    assert run.losses[:STEPS] == pytest.approx(by_hand(other, torch.optim.SGD(other.parameters(), lr=0.02))[0], rel=1e-5)


def test_the_default_is_adam_and_it_is_said():
    other = mlp()
    run = measured(mlp(), steps=STEPS)
    assert run.losses[:STEPS] == pytest.approx(by_hand(other, torch.optim.Adam(other.parameters(), lr=3e-4))[0], rel=1e-5)
    assert run.default_optimizer and "Adam at 3e-4" in " ".join(block.as_text() for block in run.document())
    assert not measured(mlp(), torch.optim.SGD(mlp().parameters(), lr=0.1), steps=STEPS).default_optimizer


@pytest.mark.parametrize("training", [True, False])
def test_modes_are_left_as_found(training):
    one, other = (mlp(nn.Dropout(0.5)).train(training) for _ in range(2))
    one[3].train(not training)
    other[3].train(not training)
    run = measured(one, torch.optim.SGD(one.parameters(), lr=0.01), steps=STEPS)
    assert run.in_evaluation is not training and (one.training, one[3].training) == (training, not training)
    assert run.losses[:STEPS] == pytest.approx(by_hand(other, torch.optim.SGD(other.parameters(), lr=0.01))[0], rel=1e-5)


def test_it_ends_at_the_floor():
    net = mlp(outputs=3)
    run = measured(net, torch.optim.Adam(net.parameters(), lr=0.05), nn.CrossEntropyLoss(), (X, LABELS))
    assert run.shape is Shape.FELL and run.passed and 10 <= len(run.losses) < 150
    shares = torch.bincount(LABELS) / 16
    chance = -(shares * shares.log()).sum().item()
    assert sorted(run.losses[-10:])[4:6][0] <= 0.011 * chance, "the median of the last ten is a hundredth of chance"
    assert run.floor.value == pytest.approx(0, abs=1e-3) and run.floor.chance == pytest.approx(chance, rel=1e-3)


def test_a_loss_still_on_its_way_gets_up_to_three_times_as_many_steps_and_a_plateau_none():
    net = mlp(outputs=3)
    slow = measured(net, torch.optim.SGD(net.parameters(), lr=0.4), nn.CrossEntropyLoss(), (X, LABELS), steps=100)
    assert 100 < len(slow.losses) <= 300 and slow.losses[99] > 3 * slow.losses[-1] and slow.shape is Shape.FELL
    flat = nn.Linear(5, 3)
    nn.init.zeros_(flat.weight)
    still = measured(flat, torch.optim.SGD(flat.parameters(), lr=1e-9), nn.CrossEntropyLoss(), (X, LABELS), steps=40)
    assert len(still.losses) == 40 and still.shape is Shape.PLATEAUS and not still.passed


def test_an_explosion_ends_the_run():
    net = nn.Linear(5, 1)
    run = measured(net, torch.optim.SGD(net.parameters(), lr=100.0))
    assert run.shape is Shape.EXPLODES and len(run.losses) < 20 and run.excess > 1 and not run.passed


class Breaks(nn.Module):
    """Crashes in one part of a step, as soon as two are done."""

    def __init__(self, part):
        super().__init__()
        self.layer, self.part, self.steps = nn.Linear(5, 1), part, 0

    def forward(self, x):
        output = self.layer(x)
        if self.part == "forward" and self.steps == 2:
            raise RuntimeError("in forward")
        if self.part == "backward" and self.steps == 2:
            output.register_hook(lambda gradient: 1 / 0)
        return output

    def stepped(self, *given):
        self.steps += 1


class Stops(torch.optim.SGD):
    def step(self, closure=None):
        if self.state.setdefault("count", {"n": 0})["n"] == 2:
            raise ValueError("in step")
        self.state["count"]["n"] += 1
        return super().step(closure)


def loss_of_two(output, target):
    if output.shape != target.shape:
        raise KeyError("in loss")
    return functional.mse_loss(output, target)


def crash_of(part):
    net = Breaks(part)
    optimizer = (Stops if part == "step" else torch.optim.SGD)(net.parameters(), lr=0.01)
    optimizer.register_step_post_hook(net.stepped)
    return measured(net, optimizer, loss_of_two, (X, torch.zeros(16, 2) if part == "loss" else Y))


@pytest.mark.parametrize(
    ("part", "told", "kind", "step"),
    [
        ("forward", "forward pass or loss", "RuntimeError", 2),
        ("loss", "forward pass or loss", "KeyError", 0),
        ("backward", "backward pass", "ZeroDivisionError", 2),
        ("step", "optimizer step", "ValueError", 2),
    ],
)
def test_a_crash_is_observed_with_its_part_step_and_line(part, told, kind, step):
    run = crash_of(part)
    assert (run.crash.part, run.crash.kind, run.crash.step, len(run.losses)) == (told, kind, step, step)
    assert run.shape is Shape.CRASHED and not run.passed and run.excess == math.inf
    assert run.crash.line.startswith("test_overfit_batch.py, line ") and "Traceback" in run.crash.traceback
    assert kind in run.told() and told in run.told() and run.crash.line in run.told()


def test_no_parameters_is_a_crash_of_the_optimizer_in_plain_words():
    run = measured(nn.Tanh(), None, nn.MSELoss(), (X, X))
    assert run.crash.part == "optimizer" and run.losses == () and math.isnan(run.first) and "nothing to train" in run.told()


def test_the_same_seed_gives_the_same_numbers_and_another_one_others():
    def losses(seed):
        net = mlp(nn.Dropout(0.5))
        return measured(net, torch.optim.SGD(net.parameters(), lr=0.01), seed=seed, steps=STEPS).losses

    assert losses(0) == losses(0) != losses(1)


def test_asked_for_steps_and_size_and_partial_observations():
    net = mlp()
    subject = Subject(net, nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=1e-6), (X, Y), batch=(X, Y))
    seen = list(OverfitBatch.measure(subject, steps=90))
    assert [run.losses == seen[-1].losses[: len(run.losses)] for run in seen] == [True] * len(seen)
    assert 30 in [len(run.losses) for run in seen], "the race is looked at after a third"
    report = list(ask("overfit_batch", dataclasses.replace(subject, batch=None), steps=20, size=4))[-1]
    assert report.experiment.samples == 4 and report.experiment.asked_steps == 20


def test_a_step_of_the_users_own_on_words():
    """A batch without any tensor: the step knows what to do with it."""
    net = nn.Embedding(3, 1)
    words = {"a": 0, "b": 1}

    def step(batch):
        return (net(torch.tensor([words[word] for word in batch])) - 1.0).square().mean()

    adam = torch.optim.Adam(net.parameters(), lr=0.1)
    report = list(ask("overfit_batch", Subject(net, None, adam, [["a", "b"], ["b", "b"]], step=step)))[-1]
    assert report.experiment.crash is None and report.experiment.passed and report.untouched


def test_a_run_without_a_step_has_a_report_of_its_own():
    """The stop button, or a spent budget, before the first step."""
    report = Report(OverfitBatch(Shape.UNDECIDED), stopped="by you")
    assert report.sentence() == "Not decided: no step was made. Give it more time with --budget."
    assert "Stopped: by you" in repr(report) and "no step was made" in report._repr_html_()
