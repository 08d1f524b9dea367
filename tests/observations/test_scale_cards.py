"""Cards about scale, regularisation and the optimizer's settings, against numbers worked out by hand or by plain PyTorch."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.cap import CapCard
from dldebug_magics.observations.cards.clipping import ClippingCard
from dldebug_magics.observations.cards.custom_gradients import CustomGradients
from dldebug_magics.observations.cards.final_bias import FinalBias
from dldebug_magics.observations.cards.freezing import FreezingCard
from dldebug_magics.observations.cards.inputs import InputCard
from dldebug_magics.observations.cards.last_dropout import LastDropout
from dldebug_magics.observations.cards.reduction import ReductionCard
from dldebug_magics.observations.cards.schedule import ScheduleCard
from dldebug_magics.observations.cards.target_scale import TargetScale
from dldebug_magics.observations.cards.terms import TermsCard
from dldebug_magics.observations.overfit_batch import OverfitBatch

torch.manual_seed(5)
X, LABELS, HEIGHTS = torch.randn(8, 6), torch.randint(0, 4, (8,)), torch.randn(8, 1)


def mlp(*closing, outputs=4):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, outputs), *closing)


def seen(card, net, loss_fn=None, batch=(X, LABELS), optimizer=None, **more):
    """The last that a card yields about a program; None where it yields nothing."""
    needs = more.pop("needs", ())
    subject = Subject(net, loss_fn, optimizer, batch, batch=batch, **more)
    return ([None, *card.measure(subject, *needs)])[-1]


# --- reduction ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss_fn", "doubled", "trebled", "sums"),
    [
        (nn.CrossEntropyLoss(), 1, 1, False),
        (nn.CrossEntropyLoss(reduction="sum"), 2, 3, True),
        (lambda o, t: -o.log_softmax(1).gather(1, t[:, None]).sum(), 2, 3, True),
        (lambda o, t: (o.logsumexp(1) - o.mean(1)).sum() / len(t) ** 0.5, 2**0.5, 3**0.5, False),
        (lambda o, t: torch.cdist(o, o.roll(3, 1)).sum(), 4, 9, False),
    ],
)
def test_a_batch_taken_twice_and_three_times(loss_fn, doubled, trebled, sums):
    card = seen(ReductionCard, mlp(), loss_fn)
    assert (card.doubled, card.trebled) == (pytest.approx(doubled, rel=1e-4), pytest.approx(trebled, rel=1e-4))
    assert (card.sums, card.samples, card.targets) == (sums, 8, 8)


def test_a_loss_among_two_that_doubles_by_chance_is_no_sum():
    """With outputs that are all alike the loss against the others of the batch is log N: log 4 is twice log 2, log 6 is not thrice."""
    net = mlp()
    nn.init.zeros_(net[2].weight)
    card = seen(ReductionCard, net, lambda o, t: functional.cross_entropy(o @ o.t(), torch.arange(len(o))), (X[:2], LABELS[:2]))
    assert card.doubled == pytest.approx(2, rel=1e-5) and card.trebled == pytest.approx(math.log(6) / math.log(2), rel=1e-5)
    assert not card.sums


def test_a_batch_that_cannot_be_doubled_shows_no_reduction():
    assert seen(ReductionCard, mlp(), lambda o, t: o.mean(), (X, LABELS[:5])) is None
    assert seen(ReductionCard, mlp(), lambda o, t: (o - torch.zeros(8, 4)).mean()) is None


# --- scales -------------------------------------------------------------------------------------------------------------------------


def test_the_scale_of_targets_and_outputs():
    net, y = mlp(outputs=1), 40 * HEIGHTS + 300
    card = seen(TargetScale, net, nn.MSELoss(), (X, y))
    numbers = y.flatten().tolist()
    mean = sum(numbers) / 8
    assert card.mean == pytest.approx(mean) and card.std == pytest.approx((sum((v - mean) ** 2 for v in numbers) / 8) ** 0.5, rel=1e-5)
    assert card.output == pytest.approx(sum(abs(v) for v in net(X).flatten().tolist()) / 8) and not card.counts


def test_counts_classes_and_inputs_are_no_targets_to_scale():
    assert seen(TargetScale, mlp(outputs=1), nn.PoissonNLLLoss(), (X, torch.arange(8.0)[:, None])).counts
    assert seen(TargetScale, mlp(), nn.CrossEntropyLoss()) is None
    assert seen(TargetScale, mlp(outputs=6), nn.MSELoss(), (X,)) is None


@pytest.mark.parametrize(
    ("change", "shrunk"),
    [
        (lambda x: x, False),
        (lambda x: x / 255, True),
        (lambda x: x / 255 / 255 - 2.1, True),
        (lambda x: x / 10, False),
        (lambda x: functional.normalize(x.relu()), False),
        (lambda x: 0.001 * x + 1000, False),
        (lambda x: x * 0, False),
    ],
)
def test_inputs_that_were_normalised_twice(change, shrunk):
    assert seen(InputCard, mlp(), nn.CrossEntropyLoss(), (change(X), LABELS)).scales[0].shrunk is shrunk


# --- regularisation -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closing", "loss_fn", "found"),
    [
        ((nn.Dropout(0.4),), nn.CrossEntropyLoss(), ("dropout", 0.4)),
        ((nn.Dropout(0.4), nn.LogSoftmax(1)), nn.NLLLoss(), ("dropout", 0.4)),
        ((nn.Dropout(0.4), nn.Flatten()), lambda o, t: -o.log_softmax(1).gather(1, t[:, None]).mean(), ("dropout", 0.4)),
        ((nn.Dropout(0.4), nn.Linear(4, 4)), nn.CrossEntropyLoss(), None),
        ((nn.Dropout(0.4), nn.ReLU()), nn.CrossEntropyLoss(), None),
        ((nn.Dropout(0.0),), nn.CrossEntropyLoss(), None),
        ((nn.Dropout(0.4).eval(),), nn.CrossEntropyLoss(), None),
    ],
)
def test_a_dropout_right_before_the_loss(closing, loss_fn, found):
    card = seen(LastDropout, mlp(*closing), loss_fn, names={"model": "net"})
    assert (card and (card.name, card.probability)) == found
    assert card is None or card.taken_out.startswith("net[3] = ")


# --- rates and gradients ------------------------------------------------------------------------------------------------------------


def scheduled(make, steps=0, rate=0.1):
    net = mlp()
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    scheduler = make(optimizer)
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
    return seen(ScheduleCard, net, nn.CrossEntropyLoss(), optimizer=optimizer, scheduler=scheduler)


@pytest.mark.parametrize(
    ("make", "steps", "now", "ahead", "over"),
    [
        (lambda o: torch.optim.lr_scheduler.StepLR(o, 10, 0.1), 60, 1e-7, 1e-7, True),
        (lambda o: torch.optim.lr_scheduler.StepLR(o, 10, 0.1), 5, 0.1, 0.1, False),
        (lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda step: min(1.0, step / 300)), 0, 0.0, 0.1, False),
        (lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda step: 0.0), 0, 0.0, 0.0, True),
        (lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.5, total_steps=40), 39, 0.5 / 25e4, 0.5 / 25e4, True),
        (lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 50), 49, 0.1 * (1 + math.cos(0.98 * math.pi)) / 2, 0.1, False),
        (lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o), 0, 0.1, 0.1, False),
    ],
)
def test_the_rates_ahead(make, steps, now, ahead, over):
    card = scheduled(make, steps)
    assert (card.now, card.ahead, card.over) == (pytest.approx(now, abs=1e-12), pytest.approx(ahead, rel=1e-3, abs=1e-12), over)


class _Cautious(torch.optim.SGD):
    def step(self, closure=None):
        nn.utils.clip_grad_norm_([p for group in self.param_groups for p in group["params"]], 0.01)
        return super().step(closure)


def test_the_gradient_before_and_behind_the_clip():
    plain = mlp()
    functional.cross_entropy(plain(X), LABELS).backward()
    norm = math.hypot(*(p.grad.norm().item() for p in plain.parameters()))
    net = mlp()
    card = seen(ClippingCard, net, nn.CrossEntropyLoss(), optimizer=_Cautious(net.parameters(), lr=0.1))
    assert (card.whole, card.at_step) == (pytest.approx(norm, rel=1e-4), pytest.approx(0.01, rel=1e-3))
    assert card.places == ("`_Cautious.step`",)
    net = mlp()
    for p in net.parameters():
        p.register_hook(lambda g: g / 4)
    card = seen(ClippingCard, net, nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(net.parameters(), lr=0.1))
    assert (card.whole, card.at_step) == (pytest.approx(norm, rel=1e-4), pytest.approx(norm / 4, rel=1e-4))
    net = mlp()
    assert seen(ClippingCard, net, nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(net.parameters(), lr=0.1)) is None


# --- the loss itself ----------------------------------------------------------------------------------------------------------------


def each(o, t):
    return functional.cross_entropy(o, t, reduction="none")


@pytest.mark.parametrize(
    "loss_fn",
    [
        lambda o, t: each(o, t).clamp(max=1.4).mean(),
        lambda o, t: torch.clip(each(o, t), 0.0, 1.4).sum() / 8,
        lambda o, t: torch.minimum(each(o, t), torch.tensor(1.4)).mean(),
        lambda o, t: torch.min(torch.full((8,), 1.4), each(o, t)).mean(),
        lambda o, t: -(-each(o, t)).clamp(min=-1.4).mean(),
        lambda o, t: 2.0 - (-each(o, t)).clamp_min(-1.4).mean() - 2.0,
    ],
)
def test_a_cap_on_the_loss(loss_fn):
    net = mlp()
    losses = each(net(X), LABELS).tolist()
    beyond = [v for v in losses if v > 1.4]
    card = seen(CapCard, net, loss_fn)
    assert card.share == len(beyond) / 8 and abs(card.bound) == pytest.approx(1.4) and card.alone
    assert card.part == pytest.approx(1.4 * len(beyond) / sum(min(v, 1.4) for v in losses), rel=1e-5)


@pytest.mark.parametrize(
    "loss_fn",
    [
        nn.CrossEntropyLoss(),
        lambda o, t: functional.huber_loss(o[:, 0], t.float()),
        lambda o, t: (1 - o[:, 0]).clamp(min=0).mean(),
        lambda o, t: -o.softmax(1).clamp(1e-8, 1 - 1e-8).log().mean(),
        lambda o, t: -torch.min(o.exp() * 2, o.exp().clamp(0.8, 1.2) * 2).mean(),
        lambda o, t: torch.maximum(each(o, t), torch.tensor(0.1)).mean(),
    ],
)
def test_what_is_no_cap_on_the_loss(loss_fn):
    assert seen(CapCard, mlp(), loss_fn) is None


def test_the_terms_of_a_loss_and_their_gradients():
    net = mlp()
    card = seen(TermsCard, net, lambda o, t: functional.cross_entropy(o, t) + 0.5 * (o.argmax(1) == t).float().mean() + 0.1 * o.mean() ** 2)
    twin = mlp()
    output = twin(X)
    by_hand = []
    for term in (functional.cross_entropy(output, LABELS), 0.1 * output.mean() ** 2):
        by_hand.append(math.hypot(*(g.norm().item() for g in torch.autograd.grad(term, list(twin.parameters()), retain_graph=True))))
    assert [term.idle for term in card.terms] == [False, True, False]
    assert [term.gradient for term in card.terms] == [pytest.approx(by_hand[0], rel=1e-4), 0, pytest.approx(by_hand[1], rel=1e-4)]
    assert card.terms[1].value == pytest.approx(0.5 * (output.argmax(1) == LABELS).float().mean().item())
    assert card.terms[1].cut == "argmax"


# --- backward and freezing ----------------------------------------------------------------------------------------------------------


class Cube(torch.autograd.Function):
    """x^3, with `factor` times its gradient."""

    factor = 3.0

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @classmethod
    def backward(cls, ctx, gradient):
        return cls.factor * gradient * ctx.saved_tensors[0] ** 2


class Through(torch.autograd.Function):
    """Rounds, and lets the gradient through."""

    @staticmethod
    def forward(ctx, x):
        return (4 * x).round() / 4

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Reversed(torch.autograd.Function):
    """Hands its input on, and turns the gradient."""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


@pytest.mark.parametrize(("factor", "wrong"), [(3.0, False), (-3.0, True), (1.0, True)])
def test_a_backward_against_finite_differences(monkeypatch, factor, wrong):
    monkeypatch.setattr(Cube, "factor", factor)
    card = seen(CustomGradients, mlp(), lambda o, t: functional.cross_entropy(Cube.apply(o), t))
    assert bool(card.wrong) is wrong
    assert not wrong or card.wrong[0].measured / card.wrong[0].backward == pytest.approx(3 / factor, rel=1e-3)
    assert "forward" in vars(Cube) and isinstance(vars(Cube)["forward"], staticmethod)


@pytest.mark.parametrize("function", [Through, Reversed])
def test_gradients_that_are_other_on_purpose(function):
    assert seen(CustomGradients, mlp(), lambda o, t: functional.cross_entropy(function.apply(o), t)).wrong == ()


def test_attributes_that_freeze_nothing():
    net = mlp()
    net[0].requires_grad = False
    net[2].bias.require_grad = False
    net[2].weight.requires_grad_(False)
    rows = seen(FreezingCard, net, nn.CrossEntropyLoss()).unread
    assert [(row.attribute, row.owner, row.on_module) for row in rows] == [("requires_grad", "0", True), ("require_grad", "2.bias", False)]
    assert rows[0].parameters == ("0.weight", "0.bias")


def test_what_the_last_bias_could_take_off():
    """With targets around 9 the best bias leaves the squared distance of the outputs from the targets, both without their means."""
    net, y = mlp(outputs=1), HEIGHTS + 9
    run = list(OverfitBatch.measure(Subject(mlp(outputs=1), nn.MSELoss(), None, (X, y), batch=(X, y)), steps=2))[-1]
    card = seen(FinalBias, net, nn.MSELoss(), (X, y), needs=(run,))
    rest = (mlp(outputs=1)(X) - y).detach()
    assert card.module == "2" and card.with_best == pytest.approx(
        rest.var(unbiased=False).item() / HEIGHTS.var(unbiased=False).item(), rel=1e-2
    )
    centred = list(OverfitBatch.measure(Subject(mlp(outputs=1), nn.MSELoss(), None, (X, HEIGHTS), batch=(X, HEIGHTS)), steps=2))[-1]
    assert seen(FinalBias, mlp(outputs=1), nn.MSELoss(), (X, HEIGHTS), needs=(centred,)) is None


def test_a_deep_residual_graph_is_walked_once_a_node():
    """Forty blocks have 2^40 paths from the loss to the input; each node is looked at once."""

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(40))

        def forward(self, x):
            for block in self.blocks:
                x = x + torch.tanh(block(x))
            return x

    torch.manual_seed(0)
    batch = torch.randn(8, 4), torch.randn(8, 4)
    subject = Subject(Residual(), lambda o, t: functional.mse_loss(o, t) + 1e-3 * o.square().mean(), batch=batch)
    assert len(list(TermsCard.measure(subject))[-1].terms) == 2
