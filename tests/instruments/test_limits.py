"""Numbers at their limits: calls of the user's own at the edge of a domain, and what float16 can't hold, against hand-made values."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.cures.precision import in_float32
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.domain_margins import DomainMargins
from dldebug_magics.instruments.half_values import HalfValues
from dldebug_magics.observations.cards.half_precision import HalfPrecisionCard

SMALL = 1e-25
EDGES = {
    "log": (lambda x: torch.log(x * SMALL), "log", SMALL),
    "method": (lambda x: (x * SMALL).log(), "log", SMALL),
    "sqrt": (lambda x: torch.sqrt(x * SMALL), "sqrt", SMALL),
    "div": (lambda x: x / (x * SMALL), "div", SMALL),
    "one over": (lambda x: 1 / (x * SMALL), "div", SMALL),
    "exp": (lambda x: torch.exp(x * 85), "exp", 85.0),
}


def margins(function, x):
    with DomainMargins(nn.Identity()) as found:
        function(x)
    return found.seen


@pytest.mark.parametrize("kind", EDGES)
def test_a_call_at_the_edge_is_seen_with_its_nearest_number(kind):
    function, name, nearest = EDGES[kind]
    (seen,) = margins(function, torch.ones(3, requires_grad=True))
    assert seen.nearest == pytest.approx(nearest) and seen.line.place.startswith("test_limits.py")
    assert seen.name == name
    assert margins(function, torch.ones(3)) == [], "no gradient flows through"


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.log(x * SMALL + 1e-12),
        lambda x: torch.sqrt((x * SMALL).clamp(min=1e-8)),
        lambda x: (x > 5).float().log() + x,
        lambda x: (x * 1000).log_softmax(0),
        lambda x: functional.normalize(x * 0, dim=0),
        lambda x: functional.cross_entropy(x[None] * 500, torch.tensor([1])),
        lambda x: torch.distributions.Normal(x, 1.0).log_prob(x),
        lambda x: torch.exp(x * 70) / 3,
        lambda x: nn.LayerNorm(3)(x),
        lambda x: x.norm() + (x * 0).norm(),
    ],
)
def test_guarded_calls_and_torch_s_own_are_not(function):
    assert margins(function, torch.ones(3, requires_grad=True)) == []


def test_what_only_float16_cannot_hold():
    with HalfValues(nn.Identity()) as halves:
        torch.full((2,), 300.0, dtype=torch.float16) * 200
    assert halves.largest == 60000 and halves.overflow is None
    with HalfValues(nn.Identity()) as halves:
        torch.full((2,), 300.0, dtype=torch.float16) * 300
    assert halves.largest == float("inf") and halves.overflow[0] in ("mul", "__mul__")
    with HalfValues(nn.Identity()) as halves:
        torch.zeros(2, dtype=torch.float16).log()
    assert halves.overflow is None, "float32 holds it no better"
    with HalfValues(nn.Identity()) as halves:
        torch.ones(2) * 1e30 + torch.ones(2, dtype=torch.bfloat16) * 1e30
    assert halves.largest is None


class Autocasting(nn.Linear):
    """Casts down by itself, in both of the usual ways."""

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.float16):
            wide = super().forward(x)
        return (wide.half() * 300).to(torch.float16) * 300


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_the_cure_is_the_same_program_in_float32(dtype):
    torch.manual_seed(0)
    net = Autocasting(4, 2)
    x, y = torch.randn(6, 4), torch.zeros(6, 2)
    expected = functional.linear(x.to(dtype).float(), net.weight.to(dtype).float(), net.bias.to(dtype).float()) * 300 * 300
    net.to(dtype)
    subject = Subject(net, lambda o, t: (o - t).float().square().mean(), torch.optim.Adam(net.parameters()), None, batch=(x.to(dtype), y))
    card = list(HalfPrecisionCard.measure(subject))[-1]
    assert card.overflow is not None and card.lost_epsilon == (1e-8 if dtype is torch.float16 else None)
    passed = loss_of(in_float32(subject))
    assert passed.output.dtype is torch.float32 and torch.allclose(passed.output, expected, rtol=1e-4)
    assert passed.loss.item() == pytest.approx(expected.square().mean().item(), rel=1e-4)


def test_an_epsilon_that_stays_and_gradients_that_vanish():
    net = nn.Linear(4, 2).half()
    batch = torch.randn(6, 4).half(), torch.zeros(6, 2).half()
    for epsilon, lost in ((1e-4, None), (1e-8, 1e-8)):
        optimizer = torch.optim.Adam(net.parameters(), eps=epsilon)
        card = list(HalfPrecisionCard.measure(Subject(net, nn.MSELoss(), optimizer, None, batch=batch)))[-1]
        assert (card.lost_epsilon, card.vanished) == (lost, False)
    tiny = Subject(net, lambda o, t: functional.mse_loss(o, t) * 1e-7, None, None, batch=batch)
    assert list(HalfPrecisionCard.measure(tiny))[-1].vanished
