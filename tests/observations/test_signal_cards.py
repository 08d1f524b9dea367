"""What the cards about signals, units, inputs, modes and norms say, against plain autograd, formulas and numbers counted by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.capacity import CapacityCard
from dldebug_magics.observations.cards.input_use import InputUse
from dldebug_magics.observations.cards.linearity import LinearityCard
from dldebug_magics.observations.cards.modes import ModeCard, says_training
from dldebug_magics.observations.cards.norms import NormCard
from dldebug_magics.observations.cards.signal import SignalCard
from dldebug_magics.observations.cards.units import UnitCard
from dldebug_magics.observations.overfit_batch import OverfitBatch, Shape

torch.manual_seed(5)
X, LABELS, HEIGHTS = torch.randn(8, 6), torch.randint(0, 4, (8,)), torch.randn(8, 1)


def mlp(*between: nn.Module, outputs: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), *between, nn.Linear(8, outputs))


def seen(card, net, loss_fn=None, batch=(X, LABELS), needs=(), optimizer=None):
    """The last that a card yields about a program; None where it yields nothing."""
    subject = Subject(net, loss_fn or nn.CrossEntropyLoss(), optimizer, batch, batch=batch)
    return ([None, *card.measure(subject, *needs)])[-1]


class Bare(nn.Module):
    """Two bare weights, multiplied by hand."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.w, self.v = nn.Parameter(torch.randn(6, 8)), nn.Parameter(torch.randn(4, 8))

    def forward(self, x):
        return torch.tanh(x @ self.w) @ self.v.t()


def test_gains_and_gradients_along_the_way():
    net = mlp(nn.Tanh())
    first = net[0](X)
    last = net[2](torch.tanh(first))
    gradients = torch.autograd.grad(functional.cross_entropy(last, LABELS), [first, last])
    card = seen(SignalCard, net)
    assert [p.weight for p in card.passages] == ["0.weight", "2.weight"] and [p.hidden for p in card.passages] == [False, True]
    assert [p.gradient for p in card.passages] == pytest.approx([g.norm().item() for g in gradients], rel=1e-4)
    for passage, weight, out in zip(card.passages, (net[0].weight, net[2].weight), (first, last), strict=True):
        assert passage.gain == pytest.approx(math.sqrt(weight.square().mean().item() * weight.shape[1]), rel=1e-5)
        assert passage.deviation_out == pytest.approx(out.std(unbiased=False).item(), rel=1e-4)
    small, large = sorted(g.norm().item() for g in gradients)
    assert card.growth == pytest.approx(max(small, large) / gradients[1].norm().item(), rel=1e-4)


def test_bare_weights_and_views_of_them_have_names_and_gains():
    net = Bare()
    card = seen(SignalCard, net)
    assert [p.weight for p in card.passages] == ["w", "v"]
    assert card.passages[0].gain == pytest.approx(net.w.square().mean().sqrt().item() * 6**0.5, rel=1e-5)
    assert card.passages[1].gain == pytest.approx(net.v.square().mean().sqrt().item() * 8**0.5, rel=1e-5)


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_gradient_through_time(batch_first):
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.memory, self.head = nn.RNN(6, 5, batch_first=batch_first), nn.Linear(5, 4)

        def forward(self, x):
            states = self.memory(x)[0]
            return self.head(states[:, -1] if batch_first else states[-1])

    net, x = Reader(), torch.randn(8, 3, 6) if batch_first else torch.randn(3, 8, 6)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(functional.cross_entropy(net(leaf), LABELS), leaf)
    steps = gradient.unbind(1 if batch_first else 0)
    ((module, first, last),) = seen(SignalCard, net, batch=(x, LABELS)).through_time
    assert module == "memory" and (first, last) == pytest.approx((steps[0].norm().item(), steps[-1].norm().item()), rel=1e-4)


def test_units_that_part_and_units_that_stay():
    def begun(first, last):
        net = mlp(nn.Tanh())
        for layer, value in ((net[0], first), (net[2], last)):
            if value is not None:
                nn.init.constant_(layer.weight, value)
                nn.init.zeros_(layer.bias)
        card = seen(UnitCard, net, optimizer=torch.optim.SGD(net.parameters(), lr=0.1))
        return {row.name: row.stayed for row in card.alike}

    assert begun(None, None) == {}
    assert begun(None, 0.0) == {"2.weight": False}, "each class has a gradient of its own"
    assert begun(0.1, None) == {"0.weight": False}, "each unit has another weight behind it"
    assert begun(0.1, 0.1) == {"0.weight": True, "2.weight": False}
    assert begun(0.0, 0.0) == {"0.weight": True, "2.weight": True}


@pytest.mark.parametrize(
    ("between", "closing", "straight"),
    [
        ((), (), True),
        ((nn.Dropout(0.5), nn.BatchNorm1d(8)), (nn.Sigmoid(),), True),
        ((nn.ReLU(),), (), None),
        ((nn.LayerNorm(8),), (), False),
    ],
)
def test_straight_lines(between, closing, straight):
    card = seen(LinearityCard, nn.Sequential(*mlp(*between), *closing))
    assert card is None if straight is None else (card.bend < 1e-5) is straight
    assert card is None or card.chained == 1


def test_one_layer_is_no_chain_and_whole_numbers_are_not_looked_at():
    assert seen(LinearityCard, nn.Linear(6, 4)) is None
    assert seen(LinearityCard, nn.Sequential(nn.Embedding(9, 6), nn.Flatten(), mlp()), batch=(torch.arange(8)[:, None], LABELS)) is None


def test_inputs_that_are_used_and_inputs_that_are_not():
    class Deaf(nn.Linear):
        def forward(self, x):
            return super().forward(torch.zeros_like(x))

    zero = nn.Linear(6, 4)
    nn.init.zeros_(zero.weight)
    assert seen(InputUse, Deaf(6, 4)).ignored
    assert not seen(InputUse, nn.Linear(6, 4)).ignored and not seen(InputUse, zero).ignored
    half = torch.cat([X[:4], torch.zeros(4, 6)])
    card = seen(InputUse, nn.Linear(6, 4), batch=(half, torch.arange(8) % 4))
    assert (card.samples, card.zeroed, card.all_same, card.constant, card.zeroed_differ) == (8, 4, False, None, True)
    card = seen(InputUse, nn.Linear(6, 4), batch=(torch.full((8, 6), 0.5), torch.zeros(8, dtype=torch.long)))
    assert (card.zeroed, card.all_same, card.constant, card.targets_differ) == (0, True, 0.5, False)


class Dropping(nn.Module):
    def __init__(self, way: str):
        super().__init__()
        self.layer, self.way, self.drop = nn.Linear(6, 4), way, nn.Dropout(0.5)

    def forward(self, x):
        if self.way == "unsaid":
            x = functional.dropout(x, 0.5)
        elif self.way == "said":
            x = functional.dropout(x, 0.5, training=True)
        elif self.way == "made":
            x = nn.Dropout(0.5)(x)
        elif self.way == "weights":
            x = nn.Linear(6, 6)(x)
        return self.layer(self.drop(x))


def test_dropout_in_evaluation_mode_and_layers_made_on_the_way():
    cards = {way: seen(ModeCard, Dropping(way)) for way in ("none", "unsaid", "said", "made", "weights")}
    assert cards["none"].active == cards["none"].made == ()
    assert [call.said for call in cards["unsaid"].active] == [False] and [call.said for call in cards["said"].active] == [True]
    assert cards["unsaid"].active[0].line.source == "x = functional.dropout(x, 0.5)"
    assert [(row.kind, row.drops, row.parameters) for row in cards["made"].made] == [("Dropout", True, 0)] and not cards["made"].active
    assert [(row.kind, row.differs, row.parameters) for row in cards["weights"].made] == [("Linear", True, 42)]


def test_lines_that_say_the_mode():
    assert says_training("return self.out(F.dropout(h, p=0.1))") is False
    assert says_training("return self.out(F.dropout(h, **settings))") is True
    assert says_training("h = self.act(h)") is None


def test_statistics_of_the_batch_and_the_stored_ones():
    net = mlp(nn.BatchNorm1d(8, momentum=1e-5), nn.BatchNorm1d(8).eval())
    (norm,) = seen(NormCard, net).norms
    values = net[0](X)
    mean, variance = values.mean(0), values.var(0, unbiased=False)
    assert (norm.name, norm.values, norm.momentum, norm.steps, norm.from_start) == ("1", 8, 1e-5, 0, 0.0)
    assert norm.apart == pytest.approx((mean.abs() / variance.sqrt() + variance.log().abs()).mean().item(), rel=1e-4)
    images = seen(NormCard, nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4)), batch=(torch.randn(2, 3, 2, 2), LABELS[:2]))
    assert images.norms[0].values == 2 * 2 * 2


def test_what_a_model_could_remember():
    failed = OverfitBatch(Shape.PLATEAUS, (1.0, 1.0))
    card = seen(CapacityCard, mlp(nn.Tanh()), needs=(failed,))
    assert (card.parameters, card.asked, card.narrowest, card.wider) == (92, 8, 8, 6 * 32 + 32 + 32 * 4 + 4)
    assert seen(CapacityCard, Bare(), needs=(failed,)).wider is None, "a bare weight has no width to change"
    assert seen(CapacityCard, nn.Linear(6, 4), needs=(failed,)) is None, "nothing is hidden"
