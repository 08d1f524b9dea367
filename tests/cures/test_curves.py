"""Each cure against the same change made by hand in plain PyTorch: same seed, same batch, and the same losses for ten steps."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.cures.activations import leaking, without
from dldebug_magics.cures.learning_rate import descending, times
from dldebug_magics.cures.loss import aligned, fed, negated
from dldebug_magics.cures.parameters import all_stepped, thawed
from dldebug_magics.cures.regularisation import without_weight_decay
from dldebug_magics.engine.ambient import seeded
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.overfit_batch.training import Training

STEPS = 10


def batch(kind: str = "classes"):
    numbers = torch.Generator().manual_seed(3)
    x = torch.randn(8, 6, generator=numbers)
    return x, (torch.randint(0, 4, (8,), generator=numbers) if kind == "classes" else torch.randn(8, 1, generator=numbers))


def mlp(*closing: nn.Module, outputs: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, outputs), *closing)


def program(net, loss_fn=None, data=None, optimizer=None) -> Subject:
    data = batch() if data is None else data
    return Subject(net, loss_fn or nn.CrossEntropyLoss(), optimizer or torch.optim.SGD(net.parameters(), lr=0.1), data, batch=data)


def cured(subject: Subject, *cures) -> list[float]:
    """The losses of a run as the experiment makes it, with the cures applied."""
    for cure in cures:
        subject = cure(subject)
    seeded(0)
    run = Training(subject)
    losses = [loss for _, loss in zip(range(STEPS), run, strict=False)]
    assert run.crash is None, run.crash.traceback
    return losses


def by_hand(forward, optimizer) -> list[float]:
    """The losses of a plain loop."""
    torch.manual_seed(0)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = forward()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def equal(one: list[float], other: list[float]) -> bool:
    return len(one) == len(other) == STEPS and one == pytest.approx(other, rel=1e-5, abs=1e-7)


def plain(net, loss_fn=None, data=None, optimizer=None) -> list[float]:
    x, y = batch() if data is None else data
    return by_hand(lambda: (loss_fn or nn.CrossEntropyLoss())(net(x), y), optimizer or torch.optim.SGD(net.parameters(), lr=0.1))


def test_the_loop_itself():
    assert equal(cured(program(mlp())), plain(mlp()))
    assert not equal(cured(program(mlp())), plain(mlp(nn.Softmax(1)))), "the comparison can fail"


class Functional(nn.Module):
    def __init__(self, close=lambda h: torch.softmax(h, 1)):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.close = nn.Linear(6, 8), nn.Linear(8, 4), close

    def forward(self, x):
        return self.close(self.b(functional.relu(self.a(x))))


@pytest.mark.parametrize("make", [lambda: mlp(nn.Softmax(dim=1)), Functional], ids=["module", "function"])
def test_a_softmax_left_out(make):
    assert equal(cured(program(make()), without("softmax", 0)), plain(mlp()))


def test_only_the_call_of_that_index_is_left_out():
    last = nn.Linear(4, 4)
    net, other = mlp(nn.ReLU(), last, nn.ReLU()), mlp(nn.Identity(), copy.deepcopy(last), nn.ReLU())
    assert equal(cured(program(net), without("relu", 1)), plain(other))
    both = cured(program(mlp(nn.Softmax(1), nn.ReLU())), without("relu", 1), without("softmax", 0))
    assert equal(both, plain(mlp()))


def test_relus_that_leak():
    torch.manual_seed(0)
    by_leaky = nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(0.1), nn.Linear(8, 4))
    assert equal(cured(program(mlp()), leaking), plain(by_leaky))


def test_thawed_and_stepped():
    def frozen(optimizer_of):
        net = mlp()
        net[0].requires_grad_(False)
        return program(net, optimizer=optimizer_of(net))

    for optimizer_of in (lambda n: torch.optim.SGD(n.parameters(), lr=0.1), lambda n: torch.optim.SGD(n[2].parameters(), lr=0.1)):
        assert equal(cured(frozen(optimizer_of), thawed), plain(mlp()))
    net, whole = mlp(), mlp()
    half = torch.optim.Adam([{"params": net[2].parameters(), "lr": 0.01, "betas": (0.8, 0.9), "weight_decay": 0.1}], lr=0.5)
    every = torch.optim.Adam(whole.parameters(), lr=0.01, betas=(0.8, 0.9), weight_decay=0.1)
    assert equal(cured(program(net, optimizer=half), all_stepped), plain(whole, optimizer=every))


def test_layers_in_a_plain_list_are_stepped():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [*mlp()]

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    subject = dataclasses.replace(program(mlp()), model=Hidden(), optimizer=None)
    other = mlp()
    assert equal(cured(subject, all_stepped), plain(other, optimizer=torch.optim.Adam(other.parameters(), lr=3e-4)))


@pytest.mark.parametrize("factor", [10.0, 0.1])
def test_another_rate_for_every_group(factor):
    def groups(net, scale=1.0):
        return torch.optim.SGD([{"params": net[0].parameters(), "lr": 0.01 * scale}, {"params": net[2].parameters()}], lr=0.02 * scale)

    one, other = mlp(), mlp()
    assert equal(cured(program(one, optimizer=groups(one)), times(factor)), plain(other, optimizer=groups(other, factor)))


@pytest.mark.parametrize("settings", [{"maximize": True}, {"momentum": 0.9, "maximize": True}])
def test_downhill(settings):
    one, other = mlp(), mlp()
    uphill = torch.optim.SGD(one.parameters(), lr=0.1, **settings)
    downhill = torch.optim.SGD(other.parameters(), lr=0.1, **{**settings, "maximize": False})
    assert equal(cured(program(one, optimizer=uphill), descending), plain(other, optimizer=downhill))
    one, other = mlp(), mlp()
    negative = torch.optim.SGD(one.parameters(), lr=0.1)
    negative.param_groups[0]["lr"] = -0.1
    assert equal(cured(program(one, optimizer=negative), descending), plain(other))


def weighted(output, target, weight):
    return (functional.cross_entropy(output, target, reduction="none") * weight).mean()


class OwnLoss(nn.Module):
    """A model that gives its own loss."""

    def __init__(self, sign=1):
        super().__init__()
        self.net, self.sign = mlp(), sign

    def forward(self, x, y):
        return {"loss": self.sign * functional.cross_entropy(self.net(x), y)}


def test_the_sign_turned():
    assert equal(cured(program(mlp(), lambda o, t: -functional.cross_entropy(o, t)), negated), plain(mlp()))
    (x, y), net = batch(), mlp()
    stepped = dataclasses.replace(program(net, data=(x, y)), loss_fn=None, step=lambda b: -functional.cross_entropy(net(b[0]), b[1]))
    assert equal(cured(stepped, negated), plain(mlp()))


class Weighted(nn.Module):
    def forward(self, output, target, weight):
        return -weighted(output, target, weight)


def test_the_sign_turned_of_a_loss_with_weights_and_of_a_models_own():
    (x, y), other, weight = batch(), mlp(), torch.linspace(0, 1, 8)
    expected = by_hand(lambda: weighted(other(x), y, weight), torch.optim.SGD(other.parameters(), lr=0.1))
    for loss in (lambda o, t, w: -weighted(o, t, w), Weighted(), Weighted().forward):
        assert equal(cured(program(mlp(), loss, (x, y, weight)), negated), expected)
    own = OwnLoss(-1)
    subject = dataclasses.replace(program(own), loss_fn=None)
    assert equal(cured(subject, negated), plain(mlp()))


def test_targets_in_the_shape_of_the_output():
    x, y = batch("values")
    squared = lambda o, t: ((o - t) ** 2).mean()  # noqa: E731
    for loss in (squared, nn.MSELoss(), functional.mse_loss):
        assert equal(cured(program(mlp(outputs=1), loss, (x, y[:, 0])), aligned), plain(mlp(outputs=1), squared, (x, y)))
    weight, other = torch.linspace(0, 1, 8), mlp(outputs=1)
    loss = lambda o, t, w: ((o - t) ** 2 * w).mean()  # noqa: E731
    expected = by_hand(lambda: loss(other(x), y, weight[:, None]), torch.optim.SGD(other.parameters(), lr=0.1))
    assert equal(cured(program(mlp(outputs=1), loss, (x, y[:, 0], weight)), aligned), expected)


def test_shapes_that_meet_in_a_step_of_the_users_own():
    (x, y), net = batch("values"), mlp(outputs=1)
    subject = dataclasses.replace(
        program(net, data=(x, y[:, 0])), loss_fn=None, step=lambda b: ((b[1] - net(b[0])) ** 2).mean() + functional.l1_loss(net(b[0]), b[1])
    )
    both = lambda o, t: functional.mse_loss(o, t) + functional.l1_loss(o, t)  # noqa: E731
    assert equal(cured(subject, aligned), plain(mlp(outputs=1), both, (x, y)))


def test_what_a_loss_is_fed():
    logits = cured(program(mlp(nn.Softmax(1)), lambda o, t: functional.nll_loss(o, t)), fed("nll_loss", torch.log))
    assert equal(logits, plain(mlp()))
    named = cured(program(mlp(), lambda o, t: functional.nll_loss(target=t, input=o)), fed("nll_loss", lambda o: o.log_softmax(1)))
    assert equal(named, plain(mlp()))


def test_weight_decay_off():
    one, other = mlp(), mlp()
    decays = torch.optim.AdamW([{"params": one[0].parameters(), "weight_decay": 2.0}, {"params": one[2].parameters()}], lr=0.01)
    assert equal(
        cured(program(one, optimizer=decays), without_weight_decay),
        plain(other, optimizer=torch.optim.AdamW(other.parameters(), lr=0.01, weight_decay=0.0)),
    )
