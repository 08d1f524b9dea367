"""Cures of scale, regularisation and settings against the same change made by hand in plain PyTorch: the same losses, step by step."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.cures.cap import uncapped
from dldebug_magics.cures.clipping import unclipped
from dldebug_magics.cures.custom_gradients import derived
from dldebug_magics.cures.decoupled_decay import decoupled
from dldebug_magics.cures.inputs import targets_standardised
from dldebug_magics.cures.learning_rate import raised_to
from dldebug_magics.cures.loss_scale import divided
from dldebug_magics.engine.ambient import seeded
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.overfit_batch.training import Training

numbers = torch.Generator().manual_seed(3)
X, LABELS, HEIGHTS = torch.randn(8, 6, generator=numbers), torch.arange(8) % 4, torch.randn(8, 1, generator=numbers)


def mlp(outputs=4):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, outputs))


def program(loss_fn=None, optimizer=None, batch=(X, LABELS), net=None):
    net = net or mlp()
    made = (optimizer or (lambda p: torch.optim.SGD(p, lr=0.1)))(net.parameters())
    return Subject(net, loss_fn or nn.CrossEntropyLoss(), made, batch, batch=batch)


def losses(subject, steps=6):
    seeded(0)
    run = Training(subject)
    found = [loss for _, loss in zip(range(steps), run, strict=False)]
    assert run.crash is None, run.crash.traceback
    return pytest.approx(found, rel=1e-5)


def test_a_sum_divided_by_its_samples_is_the_mean():
    assert losses(divided(8)(program(nn.CrossEntropyLoss(reduction="sum")))) == losses(program()).expected
    own = program(lambda o, t: functional.cross_entropy(o, t, reduction="sum"))
    assert losses(divided(8)(own)) == losses(program()).expected


def test_a_step_of_its_own_is_divided_too():
    net = mlp()
    step = lambda batch: functional.cross_entropy(net(batch[0]), batch[1], reduction="sum")  # noqa: E731
    subject = dataclasses.replace(program(net=net), loss_fn=None, step=step)
    assert losses(divided(8)(subject)) == losses(program()).expected


def test_targets_standardised_by_column():
    y = torch.cat([100 * HEIGHTS + 7, HEIGHTS], 1)
    cured = targets_standardised(program(nn.MSELoss(), batch=(X, y), net=mlp(2)))
    assert torch.equal(cured.batch[0], X)
    assert torch.allclose(cured.batch[1], (y - y.mean(0)) / y.std(0, unbiased=False), atol=1e-5)


def test_decoupled_decay_is_adamw():
    adam, adamw = (
        lambda p, kind=kind: kind(p, lr=0.01, betas=(0.8, 0.99), weight_decay=0.5) for kind in (torch.optim.Adam, torch.optim.AdamW)
    )
    assert losses(decoupled(program(optimizer=adam))) == losses(program(optimizer=adamw)).expected
    nadam = lambda p, own=False: torch.optim.NAdam(p, lr=0.01, weight_decay=0.5, decoupled_weight_decay=own)  # noqa: E731
    assert losses(decoupled(program(optimizer=nadam))) == losses(program(optimizer=lambda p: nadam(p, True))).expected


def test_only_groups_without_a_rate_get_one():
    net = mlp()
    groups = [{"params": net[0].parameters(), "lr": 0.0}, {"params": net[2].parameters(), "lr": 0.3}]
    cured = raised_to(0.1)(Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(groups, lr=0.0), (X, LABELS), batch=(X, LABELS)))
    assert [group["lr"] for group in cured.optimizer.param_groups] == [0.1, 0.3]


@pytest.mark.parametrize(
    ("name", "cap"),
    [
        ("clamp", lambda v: v.clamp(max=0.5)),
        ("clip", lambda v: torch.clip(v, 0.0, 0.5)),
        ("minimum", lambda v: torch.minimum(torch.tensor(0.5), v)),
        ("min", lambda v: torch.min(v, torch.tensor(0.5))),
    ],
)
def test_the_loss_without_its_cap(name, cap):
    capped = program(lambda o, t: cap(functional.cross_entropy(o, t, reduction="none")).mean())
    assert losses(uncapped(name, 0)(capped)) == losses(program()).expected


class _Cautious(torch.optim.SGD):
    def step(self, closure=None):
        nn.utils.clip_grad_norm_([p for group in self.param_groups for p in group["params"]], 1e-3)
        return super().step(closure)


def hooked(kind):
    subject = program(optimizer=lambda p: (_Cautious if kind == "subclass" else torch.optim.SGD)(p, lr=0.1))
    for p in subject.model.parameters():
        if kind == "hook":
            p.register_hook(lambda g: g / 100)
        if kind == "post":
            p.register_post_accumulate_grad_hook(lambda p: p.grad.div_(100) and None)
    if kind == "step":
        subject.optimizer.register_step_pre_hook(lambda o, *_: [p.grad.div_(100) for g in o.param_groups for p in g["params"]] and None)
    return subject


@pytest.mark.parametrize("kind", ["hook", "step", "subclass"])
def test_the_gradient_without_clipping(kind):
    assert losses(hooked(kind)) != losses(program()).expected
    assert losses(unclipped(hooked(kind))) == losses(program()).expected


class Wrong(torch.autograd.Function):
    """tanh with its gradient upside down."""

    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x)
        ctx.set_materialize_grads(False)
        return scale * x.tanh()

    @staticmethod
    def backward(ctx, gradient):
        return -gradient, None


class WrongBeside(torch.autograd.Function):
    """The same with the context set up beside."""

    @staticmethod
    def forward(x, scale):
        return scale * x.tanh()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, gradient):
        return -gradient, None


@pytest.mark.parametrize("kind", [Wrong, WrongBeside])
def test_torchs_own_gradient_in_place_of_a_wrong_one(kind):
    before = dict(vars(kind))
    wrong = program(lambda o, t: functional.cross_entropy(kind.apply(o, 2.0), t))
    right = program(lambda o, t: functional.cross_entropy(2 * o.tanh(), t))
    assert losses(derived(kind.__name__)(wrong)) == losses(right).expected
    assert dict(vars(kind)) == before
