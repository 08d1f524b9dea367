"""What one look or pass shows, against plain autograd, finite differences, python loops and numbers counted by hand."""

from __future__ import annotations

import dataclasses
import math
import statistics

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.descent import DescentCard
from dldebug_magics.observations.cards.inputs import InputCard
from dldebug_magics.observations.cards.layers import LayerCard
from dldebug_magics.observations.cards.numerics import NumericsCard
from dldebug_magics.observations.cards.outputs import OutputCard
from dldebug_magics.observations.cards.parameters import ParameterCard
from dldebug_magics.observations.cards.samples import SampleCard
from dldebug_magics.observations.cards.set_up import SetUp
from dldebug_magics.observations.overfit_batch import OverfitBatch

torch.manual_seed(5)
X, LABELS, HEIGHTS = torch.randn(8, 6), torch.randint(0, 4, (8,)), torch.randn(8, 1)


def mlp(*closing, outputs=4, middle=None):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), middle or nn.Tanh(), nn.Linear(8, outputs), *closing)


def seen(card, net, loss_fn=None, batch=(X, LABELS), optimizer=None, **more):
    """The last that a card yields about a program; None where it yields nothing."""
    needs = more.pop("needs", ())
    subject = Subject(net, loss_fn, optimizer, more.pop("train", batch), batch=batch, **more)
    return ([None, *card.measure(subject, *needs)])[-1]


# --- what enters the loss -----------------------------------------------------------------------------------------------------------


def test_numbers_of_what_enters_the_loss():
    net = mlp(nn.Softmax(1))
    output = net(X).detach()
    card = seen(OutputCard, net, nn.CrossEntropyLoss(), names={"model": "net"})
    rows = output.tolist()
    assert (card.loss, card.shape, card.rows_sum_to_one) == ("cross_entropy", (8, 4), True)
    assert card.minimum == pytest.approx(min(map(min, rows))) and card.maximum == pytest.approx(max(map(max, rows)))
    assert card.row_sum == pytest.approx(1.0) and card.zero_share == 0
    assert card.row_logsumexp == pytest.approx(max(abs(math.log(sum(map(math.exp, row)))) for row in rows), rel=1e-5)
    assert (card.closing.name, card.closing.expression, card.target_is_classes) == ("softmax", "net[3]", True)
    assert card.target_range == (LABELS.min().item(), LABELS.max().item())
    assert not card.negated and card.broadcast is None


@pytest.mark.parametrize(
    ("loss_fn", "name", "closing", "negated"),
    [
        (lambda o, t: -functional.cross_entropy(o, t), "cross_entropy", None, True),
        (lambda o, t: functional.nll_loss(torch.log(o.softmax(1)), t), "nll_loss", None, False),
        (lambda o, t: functional.cross_entropy(torch.relu(o), t), "cross_entropy", "relu", False),
        (lambda o, t: -o.log_softmax(1).gather(1, t[:, None]).mean(), "", None, False),
    ],
)
def test_a_loss_written_by_hand(loss_fn, name, closing, negated):
    card = seen(OutputCard, mlp(), loss_fn)
    assert (card.loss, card.closing and card.closing.name, card.negated) == (name, closing, negated)
    assert card.goes_into("nll_loss", name or "?") is bool(name) and not card.rows_sum_to_one


def test_a_broadcast_and_classes_on_the_second_axis():
    card = seen(OutputCard, mlp(outputs=1), lambda o, t: ((o - t) ** 2).mean(), (X, HEIGHTS[:, 0]))
    assert (card.broadcast.left, card.broadcast.right, card.broadcast.result) == ((8, 1), (8,), (8, 8))
    maps = nn.Sequential(nn.Conv2d(1, 3, 1), nn.Softmax(1))
    card = seen(OutputCard, maps, nn.CrossEntropyLoss(), (torch.randn(2, 1, 4, 4), torch.zeros(2, 4, 4, dtype=torch.long)))
    assert card.rows_sum_to_one and card.row_sum == pytest.approx(1.0)


# --- who learns ---------------------------------------------------------------------------------------------------------------------


class Parts(nn.Module):
    """Every kind of parameter at once."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.learns, self.frozen, self.unused, self.cut = (nn.Linear(6, 6) for _ in range(4))
        self.frozen.requires_grad_(False)
        self.hidden, self.named = [nn.Linear(6, 6)], {"a": nn.Linear(6, 1)}

    def forward(self, x):
        x = self.cut(x).detach() + self.frozen(x)
        return self.named["a"](self.hidden[0](self.learns(x)))


def test_each_kind_of_parameter():
    net = Parts()
    stranger = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([*net.learns.parameters(), *net.cut.parameters(), stranger], lr=0.1)
    card = seen(ParameterCard, net, nn.MSELoss(), (X, HEIGHTS), optimizer)
    kinds = {p.name: (p.registered, p.requires_grad, p.in_graph, p.in_optimizer, p.moves_loss) for p in card.parameters}
    assert kinds["learns.weight"] == (True, True, True, True, None)
    assert kinds["frozen.bias"] == (True, False, False, False, True)
    assert kinds["unused.weight"] == (True, True, False, False, False)
    assert kinds["cut.weight"] == (True, True, False, True, True)
    assert kinds["hidden[0].weight"] == kinds["named['a'].bias"] == (False, True, True, False, None)
    assert len(kinds) == 12 and card.strangers == 1 and card.loss_has_graph
    assert [(cut.kind, cut.line.source) for cut in card.cuts] == [("detach", "x = self.cut(x).detach() + self.frozen(x)")]
    assert sum(p.size for p in card.parameters) == 5 * 42 + 7


def test_nudging_leaves_the_parameters_as_they_were():
    net = Parts()
    before = {name: p.clone() for name, p in net.named_parameters()}
    seen(ParameterCard, net, nn.MSELoss(), (X, HEIGHTS))
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())


def test_a_loss_without_a_graph_and_no_optimizer():
    class Whole(nn.Linear):
        def forward(self, x):
            with torch.no_grad():
                return super().forward(x)

    card = seen(ParameterCard, Whole(6, 1), nn.MSELoss(), (X, HEIGHTS))
    assert not card.loss_has_graph and card.strangers == 0
    assert [(p.in_graph, p.in_optimizer, p.moves_loss) for p in card.parameters] == [(False, True, True)] * 2
    assert [cut.kind for cut in card.cuts] == ["no_grad"]


# --- layer by layer -----------------------------------------------------------------------------------------------------------------


def test_gradients_and_activations_layer_by_layer():
    net = mlp(middle=nn.ReLU())
    with torch.no_grad():
        net[0].bias[:3] = -100.0
    gradients = torch.autograd.grad(functional.cross_entropy(net(X), LABELS), list(net.parameters()))
    sizes, hidden = [p.norm().item() for p in net.parameters()], net[1](net[0](X)).tolist()
    card = seen(LayerCard, net, nn.CrossEntropyLoss())
    assert [g.name for g in card.gradients] == [name for name, _ in net.named_parameters()]
    assert [g.gradient for g in card.gradients] == pytest.approx([g.norm().item() for g in gradients], rel=1e-5)
    assert [g.weight for g in card.gradients] == pytest.approx(sizes, rel=1e-5)
    assert card.activations[0].dead == pytest.approx(sum(all(row[i] == 0 for row in hidden) for i in range(8)) / 8)
    assert card.activations[0].dead >= 3 / 8 and card.activations[0].module == "1"


def test_the_update_of_plain_gradient_descent_is_the_rate_times_the_gradient():
    net = mlp()
    subject = Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.25), (X, LABELS), batch=(X, LABELS))
    card = list(LayerCard.measure(subject))[-1]
    assert [g.update for g in card.gradients] == pytest.approx([0.25 * g.gradient for g in card.gradients], rel=1e-4)


def test_dropout_at_work_is_counted_and_no_gradient_is_none():
    net = mlp(nn.Dropout(0.5), nn.Dropout(0.0), nn.Dropout(0.1).eval())
    net.extra = nn.Linear(1, 1)
    net.forward = lambda x: functional.dropout(nn.Sequential.forward(nn.Sequential(*net[:-1]), x), 0.2)
    card = seen(LayerCard, net, nn.CrossEntropyLoss())
    assert card.dropout_calls == 2
    assert [g.gradient for g in card.gradients if g.name.startswith("extra")] == [None, None]


# --- the descent ratio --------------------------------------------------------------------------------------------------------------


class Flipped(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return -gradient


class Sign(nn.Module):
    def forward(self, x):
        return Flipped.apply(x)


@pytest.mark.parametrize(("closing", "rho"), [((), 1.0), ((Sign(),), -1.0), ((nn.Dropout(0.5), nn.BatchNorm1d(1)), 1.0)])
def test_the_ratio_of_a_small_step(closing, rho):
    net = mlp(*closing, outputs=1).double()
    batch = (X.double(), HEIGHTS.double())
    card = seen(DescentCard, net, nn.MSELoss(), batch, torch.optim.SGD(net.parameters(), lr=1e-4))
    assert card.small == pytest.approx(rho, abs=0.05)
    net.eval()
    loss = functional.mse_loss(net(batch[0]), batch[1])
    gradients = torch.autograd.grad(loss, list(net.parameters()))
    square = sum(g.square().sum() for g in gradients).item()
    assert card.gradient_norm == pytest.approx(square**0.5)
    with torch.no_grad():
        for p, g in zip(net.parameters(), gradients, strict=True):
            p -= 1e-4 * g
        after = functional.mse_loss(net(batch[0]), batch[1])
    assert card.at_rate == pytest.approx(((loss - after) / (1e-4 * square)).item(), rel=1e-5)


def test_a_step_far_too_long_and_no_gradient_at_all():
    net = mlp(outputs=1)
    assert seen(DescentCard, net, nn.MSELoss(), (X, HEIGHTS), torch.optim.SGD(net.parameters(), lr=1e3)).at_rate < 0
    card = seen(DescentCard, mlp(outputs=1).requires_grad_(False), nn.MSELoss(), (X, HEIGHTS))
    assert math.isnan(card.small) and card.at_rate is None


# --- whether samples are apart ------------------------------------------------------------------------------------------------------


class Mixes(nn.Module):
    """Output i is x_i plus a share of x_0."""

    def __init__(self, share):
        super().__init__()
        self.share, self.layer = nn.Parameter(torch.tensor(share)), nn.Identity()

    def forward(self, x):
        return self.layer(x + self.share * x[:1])


@pytest.mark.parametrize("share", [0.5, 0.1, 0.0])
def test_the_leak_of_a_model_that_mixes_exactly(share):
    """The first sample becomes the last, plus the inputs' deviation and 0.1; the others move by `share` of that, over the spread."""
    card = seen(SampleCard, Mixes(share), nn.MSELoss(), (X, X))
    shift = (X[-1] + X.std() + 0.1 - X[0]).abs().max().item() * share
    spread = (X + share * X[:1]).std().item()
    assert card.leak == pytest.approx(shift / spread, rel=1e-4)
    assert (card.leaks_to, card.samples, card.where) == ((7, 8, "layer") if share else (0, 8, ""))
    assert card.along_second_axis is None or share


def test_batch_norm_in_training_is_no_leak_and_a_loader_is_noted():
    net = mlp(nn.BatchNorm1d(4), nn.Dropout(0.5))
    loader = DataLoader(TensorDataset(X, LABELS), batch_size=8)
    assert seen(SampleCard, net, nn.CrossEntropyLoss(), train=loader).from_loader
    card = seen(SampleCard, net.train(), nn.CrossEntropyLoss())
    assert card.leak == 0 and card.leaks_to == 0 and not card.from_loader


def test_the_batch_on_the_second_axis_is_clean_along_it():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(6, 5)

        def forward(self, x):
            return self.lstm(x)[0]

    steps = torch.randn(9, 4, 6)
    card = seen(SampleCard, Last(), nn.MSELoss(), (steps, torch.randn(9, 4, 5)))
    assert card.leak > 1e-3 and card.along_second_axis == 0


def test_tables_of_all_pairs_and_single_samples_are_skipped():
    class Pairs(nn.Linear):
        def forward(self, x):
            return super().forward(x) @ super().forward(x).t()

    assert seen(SampleCard, Pairs(6, 3), lambda o, t: o.mean()) is None
    assert seen(SampleCard, mlp(), nn.CrossEntropyLoss(), (X[:2], LABELS[:2])) is None


# --- numbers of the batch, the set-up -----------------------------------------------------------------------------------------------


def test_the_scale_of_the_inputs_by_hand():
    wild = torch.tensor([[0.0, 100.0, 1.0], [4.0, 300.0, 1.0]])
    card = seen(InputCard, nn.Linear(3, 1), nn.MSELoss(), (wild, torch.tensor([[1.0], [math.nan]])))
    values = [0.0, 100.0, 1.0, 4.0, 300.0, 1.0]
    (scale,) = card.scales
    assert (scale.shape, scale.minimum, scale.maximum, scale.widest, scale.narrowest) == ((2, 3), 0.0, 300.0, 100.0, 2.0)
    assert scale.mean == pytest.approx(statistics.mean(values)) and scale.std == pytest.approx(statistics.pstdev(values))
    assert not scale.binary and card.not_finite == (("target", 1, 2),)
    binary = seen(InputCard, nn.Linear(2, 1), nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1))).scales[0]
    assert binary.binary and binary.widest == 0.5
    maps = torch.zeros(2, 2, 1, 2)
    maps[:, 1] = torch.tensor([[-3.0, 3.0]])
    channels = seen(InputCard, nn.Conv2d(2, 1, 1), nn.MSELoss(), (maps, torch.zeros(2, 1, 1, 2))).scales[0]
    assert channels.widest == channels.narrowest == 3.0, "a feature is a channel, and one that never varies does not count"


SETTINGS = [
    ("SGD", {"lr": 0.03, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}),
    ("SGD", {"lr": 0.0123456789, "maximize": True}),
    ("Adam", {"lr": 3e-4, "betas": (0.8, 0.95), "eps": 1e-6, "amsgrad": True}),
    ("AdamW", {"lr": 1e-3, "weight_decay": 0.0}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "centered": True, "momentum": 0.5}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.01, "initial_accumulator_value": 0.1}),
    ("LBFGS", {"lr": 0.5, "history_size": 7, "line_search_fn": "strong_wolfe"}),
    ("RAdam", {"lr": 0.5, "weight_decay": 0.1, "decoupled_weight_decay": True}),
]


@pytest.mark.parametrize("changed", [{}, {"lr": 0.5}], ids=["as it is", "another rate"])
@pytest.mark.parametrize(("kind", "settings"), SETTINGS)
def test_the_line_that_makes_the_optimizer_makes_that_optimizer(kind, settings, changed):
    net = mlp()
    optimizer = getattr(torch.optim, kind)(net.parameters(), **settings)
    card = seen(SetUp, net, nn.CrossEntropyLoss(), optimizer=optimizer, names={"model": "net", "optimizer": "opt"})
    scope = {"torch": torch, "net": net}
    exec(card.optimizer_line(**changed), scope)
    made, expected = scope["opt"], getattr(torch.optim, kind)(net.parameters(), **{**settings, **changed})
    assert type(made) is type(expected) and len(made.param_groups) == 1
    assert _settings(made) == _settings(expected)


def _settings(optimizer):
    return {k: f"{v:.5g}" if type(v) in (int, float) else v for k, v in optimizer.param_groups[0].items() if k != "params"}


def test_an_optimizer_of_the_users_own_is_called_by_its_own_name():
    class MyOptimizer(torch.optim.SGD):
        pass

    net = mlp()
    card = seen(SetUp, net, optimizer=MyOptimizer(net.parameters(), lr=0.5), names={"model": "net", "optimizer": "opt"})
    assert card.optimizer_line(lr=0.1) == "opt = MyOptimizer(net.parameters(), lr=0.1)"


def test_the_set_up_as_found():
    net = mlp(nn.BatchNorm1d(4), nn.Dropout(0.3), nn.Dropout(0.0))
    net[3].eval()
    card = seen(SetUp, net, nn.CrossEntropyLoss(label_smoothing=0.1))
    assert (card.optimizer, card.rates, card.given, card.training) == ("Adam", (3e-4,), False, True)
    assert card.mode_sensitive == ("3", "4", "5") and card.in_evaluation == ("3",)
    assert dict(card.dropouts) == {"4": 0.3} and card.label_smoothing == 0.1
    several = torch.optim.SGD([{"params": net[0].parameters(), "lr": 0.1}, {"params": net[2].parameters()}], lr=0.01)
    many = seen(SetUp, net, nn.CrossEntropyLoss(), optimizer=several, names={"optimizer": "opt"})
    assert many.rates == (0.1, 0.01)
    exec(many.optimizer_line(weight_decay=0.5), {"opt": several})
    assert [group["weight_decay"] for group in several.param_groups] == [0.5, 0.5]


# --- where NaN came from ------------------------------------------------------------------------------------------------------------


def numerics(net, loss_fn, batch, lr=0.1):
    def subject():
        torch.manual_seed(0)
        for module in net.modules():
            getattr(module, "reset_parameters", lambda: None)()
        return Subject(net, loss_fn, torch.optim.SGD(net.parameters(), lr=lr), batch, batch=batch)

    run = list(OverfitBatch.measure(subject()))[-1]
    return list(NumericsCard.measure(subject(), run))[-1], run


def test_the_step_the_operation_and_the_line():
    net = nn.Linear(1, 1, bias=False)
    net.reset_parameters = lambda: net.weight.data.fill_(2.5)

    def loss(output, target):
        return output.mean() + 0 * torch.log(output).mean()  # log

    card, run = numerics(net, loss, (torch.ones(4, 1), torch.ones(4, 1)), lr=1.0)
    assert run.losses[:3] == pytest.approx((2.5, 1.5, 0.5)) and math.isnan(run.losses[3]), "the weight falls by 1 a step"
    assert (card.step, card.culprit.name, card.culprit.backward, card.culprit.inputs) == (3, "log", False, ((-0.5, -0.5),))
    assert card.culprit.line.source.endswith("# log") and card.moderate


def test_a_root_at_zero_is_found_behind_the_backward_pass():
    net = nn.Linear(6, 1)
    card, _ = numerics(net, lambda o, t: torch.sqrt(o * 0).sum() + o.square().mean(), (X, HEIGHTS))
    assert card.step == 0 and card.operation.backward and (card.edge.name, card.culprit) == ("sqrt", card.edge)


@pytest.mark.parametrize("masked", [True, False])
def test_a_run_that_stays_finite_has_no_culprit_also_with_masks_of_infinity(masked):
    mask = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])

    class Attends(nn.Linear):
        def forward(self, x):
            scores = super().forward(x) + (torch.log(mask) if masked else 0.0)
            return (scores.softmax(1) * x).sum(1, keepdim=True) + (x * 0).norm(dim=1, keepdim=True)

    card, run = numerics(Attends(6, 6), nn.MSELoss(), (X, HEIGHTS))
    assert all(map(math.isfinite, run.losses)) and card == NumericsCard()
    pretended = dataclasses.replace(run, losses=(*run.losses[:2], math.nan))
    subject = Subject(Attends(6, 6), nn.MSELoss(), None, (X, HEIGHTS), batch=(X, HEIGHTS))
    assert list(NumericsCard.measure(subject, pretended))[-1] == NumericsCard(step=2), "looked at, and nothing found"
