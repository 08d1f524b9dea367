"""A step that is at fault is named first with its line, whoever calls it: a loop, a class, beside a second model, between validations."""

from __future__ import annotations

import inspect
import types

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dldebug_magics.ask import Watch
from tests.loops.faults.start import begun
from tests.loops.healthy.program import accuracy, loaders


def missing_zero_grad(s, x, y):
    loss = F.cross_entropy(s.model(x), y)
    loss.backward()  # fault
    s.optimizer.step()


def zero_grad_wrong_place(s, x, y):
    loss = F.cross_entropy(s.model(x), y)
    loss.backward()
    s.optimizer.zero_grad()  # fault
    s.optimizer.step()


def missing_backward(s, x, y):
    s.optimizer.zero_grad()
    s.last = F.cross_entropy(s.model(x), y).item()
    s.optimizer.step()  # fault


def clip_after_step(s, x, y):
    s.optimizer.zero_grad()
    F.cross_entropy(s.model(x), y).backward()
    s.optimizer.step()
    nn.utils.clip_grad_norm_(s.model.parameters(), 0.05)  # fault


def clip_before_backward(s, x, y):
    s.optimizer.zero_grad()
    loss = F.cross_entropy(s.model(x), y)
    nn.utils.clip_grad_norm_(s.model.parameters(), 0.05)  # fault
    loss.backward()
    s.optimizer.step()


def clip_before_unscale(s, x, y):
    s.optimizer.zero_grad()
    s.scaler.scale(F.cross_entropy(s.model(x), y)).backward()
    nn.utils.clip_grad_norm_(s.model.parameters(), 1.0)  # fault
    s.scaler.step(s.optimizer)
    s.scaler.update()


def retain_graph_leak(s, x, y):
    s.optimizer.zero_grad()
    F.cross_entropy(s.model(x), y).backward(retain_graph=True)  # fault
    s.optimizer.step()


def loss_history_leak(s, x, y):
    s.optimizer.zero_grad()
    loss = F.cross_entropy(s.model(x), y)
    loss.backward()
    s.optimizer.step()
    s.losses.append(loss)  # fault


def optimizer_recreated(s, x, y):
    s.optimizer = torch.optim.Adam(s.model.parameters(), lr=1e-3)  # fault
    s.optimizer.zero_grad()
    F.cross_entropy(s.model(x), y).backward()
    s.optimizer.step()


def scheduler_before_optimizer(s, x, y):
    s.optimizer.zero_grad()
    F.cross_entropy(s.model(x), y).backward()
    s.schedule.step()  # fault
    s.optimizer.step()


def sound(s, x, y):
    s.optimizer.zero_grad()
    loss = F.cross_entropy(s.model(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(s.model.parameters(), 1.0)
    s.optimizer.step()
    s.schedule.step()
    s.last = loss.item()


FAULTY = (
    missing_zero_grad, zero_grad_wrong_place, missing_backward, clip_after_step, clip_before_backward, clip_before_unscale,
    retain_graph_leak, loss_history_leak, optimizer_recreated, scheduler_before_optimizer,
)  # fmt: skip


def _state(update):
    model, optimizer, loader = begun(rate=0.1)
    state = types.SimpleNamespace(model=model, optimizer=optimizer, loader=loader, losses=[])
    if update in (scheduler_before_optimizer, sound):
        state.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
    if update is clip_before_unscale:
        state.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
    return state


def plain(update):
    s = _state(update)

    def train():
        for _ in range(4):
            for x, y in s.loader:
                update(s, x, y)

    return train


def trainer(update):
    class Trainer:
        def __init__(self):
            self.__dict__.update(vars(_state(update)))

        def training_step(self, batch):
            return update(self, *batch)

        def fit(self, epochs):
            for _ in range(epochs):
                self.model.train()
                [self.training_step(batch) for batch in self.loader]

    runner = Trainer()
    return lambda: runner.fit(4)


def beside_a_second_model(update):
    s, other = _state(update), nn.Linear(16, 16)
    second = torch.optim.Adam(other.parameters(), lr=1e-2)

    def train():
        for _ in range(4):
            for x, y in s.loader:
                second.zero_grad()
                F.mse_loss(other(x), x).backward()
                second.step()
                update(s, x, y)

    return train


def between_validations(update):
    s, (_, val) = _state(update), loaders()

    def train():
        for _ in range(4):
            s.model.train()
            for x, y in s.loader:
                update(s, x, y)
            accuracy(s.model, val)

    return train


def steps_of_a_stream(update):
    s = _state(update)
    xs, ys = s.loader.dataset.tensors

    def train():
        step = 0
        while step < 40:
            chosen = torch.randint(0, len(xs), (16,))
            update(s, xs[chosen], ys[chosen])
            step += 1

    return train


STYLES = (plain, trainer, beside_a_second_model, between_validations, steps_of_a_stream)
SOUND = {(retain_graph_leak, beside_a_second_model)}  # two models may share a graph
PAIRS = [
    pytest.param(update, style, id=f"{update.__name__}-{style.__name__}")
    for update in FAULTY
    for style in STYLES
    if (update, style) not in SOUND
]


def watched(update, style):
    torch.manual_seed(7)
    train = style(update)
    with Watch() as watch:
        train()
    assert watch.not_examined == () and watch.untouched and watch.experiment.blind == "", watch.experiment.blind
    return watch


@pytest.mark.parametrize(("update", "style"), PAIRS)
def test_is_named_first_with_its_line(update, style):
    watch = watched(update, style)
    first = next(iter(watch.findings), None)
    assert first is not None and first.name == update.__name__, watch.report.sentence()
    source, begins = inspect.getsourcelines(update)
    lines = [f"test_updates.py, line {begins + n}" for n, line in enumerate(source) if line.rstrip().endswith("# fault")]
    assert any(line in first.where for line in lines), first.where


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
def test_is_left_in_peace(style):
    assert [f.name for f in watched(sound, style).alarms] == []
