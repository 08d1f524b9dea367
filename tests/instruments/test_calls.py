"""The door that sees torch's functions: one name for all their forms, how-manieth, in which module; and which call a tensor comes from."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.instruments.activations import health
from dldebug_magics.instruments.calls import ACTIVATIONS, DETACHING, DROPOUTS, LOSSES, Calls, closing
from dldebug_magics.instruments.module_path import ModulePath

FORMS = {
    "relu": [nn.ReLU(), functional.relu, torch.relu, Tensor.relu, nn.ReLU(inplace=True)],
    "relu_": [functional.relu_, torch.relu_, Tensor.relu_],
    "sigmoid": [nn.Sigmoid(), functional.sigmoid, torch.sigmoid, Tensor.sigmoid],
    "tanh": [nn.Tanh(), functional.tanh, torch.tanh, Tensor.tanh],
    "softmax": [nn.Softmax(dim=1), lambda x: functional.softmax(x, dim=1), lambda x: torch.softmax(x, 1), lambda x: x.softmax(dim=1)],
    "log_softmax": [nn.LogSoftmax(dim=1), lambda x: functional.log_softmax(x, 1), lambda x: x.log_softmax(1)],
    "dropout": [nn.Dropout(0.5), functional.dropout, lambda x: torch.dropout(x, 0.5, True)],
    "mse_loss": [lambda x: nn.MSELoss()(x, x * 2), lambda x: functional.mse_loss(x, x * 2)],
    "detach": [Tensor.detach, torch.detach],
    "data": [lambda x: x.data],
}
FORM = [(name, form) for name, forms in FORMS.items() for form in forms]
WANTED = ACTIVATIONS | LOSSES | DROPOUTS | DETACHING
KEPT = {
    "itself": lambda t: t,
    "view": lambda t: t.view(-1),
    "reshape": lambda t: t.t().reshape(-1),
    "squeeze": lambda t: t[:, None].squeeze(1),
    "squeeze all": lambda t: t[:, None].squeeze(),
    "slice": lambda t: t[1:, :2],
    "column": lambda t: t[:, 0],
    "flatten": lambda t: t.flatten(),
    "transpose": lambda t: t.transpose(0, 1).contiguous(),
    "permute": lambda t: t.permute(1, 0)[None],
    "double": lambda t: t.double(),
    "chunk": lambda t: t.chunk(2, dim=1)[0],
    "unbind": lambda t: t.unbind(0)[1],
    "clone": lambda t: t.clone(),
    "expand": lambda t: t[None].expand(2, -1, -1),
    "many": lambda t: t.view(2, 2, 3).transpose(0, 2)[0].squeeze().unsqueeze(-1),
}
CHANGED = {
    "times": lambda t: t * 2,
    "plus": lambda t: t + 0.0,
    "log": lambda t: (t + 1e-6).log(),
    "sum": lambda t: t.sum(1),
    "matmul": lambda t: t @ torch.ones(3, 2),
    "times then view": lambda t: (t * 2).view(-1),
    "view then times": lambda t: t.view(-1) * 2,
    "in place": lambda t: t.mul_(2.0),
    "in place, then view": lambda t: t.add_(1.0).view(-1),
    "cat": lambda t: torch.cat([t, t]),
}


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(0)
    return (torch.randn(4, 3, requires_grad=True) * 1.0).clone()


@pytest.mark.parametrize(("name", "form"), FORM)
def test_all_forms_of_a_function_have_one_name(name, form, x):
    with Calls(WANTED, nn.Identity()) as calls:
        result = form(x)
    assert [call.name for call in calls.made] == [name]
    assert calls.made[0].result is result and calls.made[0].index == 0


def test_the_index_counts_the_calls_of_a_name():
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Sigmoid(), nn.Linear(3, 3), nn.ReLU())
    with Calls(frozenset({"relu", "sigmoid"}), net) as calls:
        functional.relu(net(torch.randn(4, 3)))
    assert [(c.name, c.index, c.module) for c in calls.made] == [("relu", 0, "1"), ("sigmoid", 0, "2"), ("relu", 1, "4"), ("relu", 2, "")]
    assert [c.index for c in calls.named_in(frozenset({"relu"}))] == [0, 1, 2]


def test_the_users_line_is_where_the_call_stands(x):
    with Calls(ACTIVATIONS, nn.Identity()) as calls:
        torch.tanh(x)  # this line
    assert calls.made[0].line.source == "torch.tanh(x)  # this line" and calls.made[0].line.place.startswith("test_calls.py, line ")


def test_arguments_by_position_and_by_name(x):
    labels = torch.tensor([0, 1, 2, 0])
    with Calls(LOSSES, nn.Identity()) as calls:
        functional.cross_entropy(x, labels)
        functional.cross_entropy(target=labels, input=x)
    assert all(call.argument(0, "input") is x and call.argument(1, "target") is labels for call in calls.made)
    assert calls.made[0].argument(9, "label_smoothing", 0.0) == 0.0


def test_numbers_and_gradients_are_as_without_looking(x):
    net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 3), nn.Softmax(1))
    with Calls(WANTED, net):
        seen = net(x).square().sum()
    bare = net(x).square().sum()
    assert torch.equal(seen, bare)
    assert all(
        torch.equal(a, b)
        for a, b in zip(torch.autograd.grad(seen, net.parameters()), torch.autograd.grad(bare, net.parameters()), strict=True)
    )


def test_all_hooks_are_gone_after_a_crash():
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    with pytest.raises(RuntimeError), Calls(ACTIVATIONS, net):
        net(torch.randn(4, 7))
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._forward_hooks_always_called for m in net.modules())
    with Calls(ACTIVATIONS, net) as calls:
        net(torch.randn(4, 3))
    assert [c.module for c in calls.made] == ["1"]


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
@pytest.mark.parametrize("name", ["softmax", "relu", "relu_"])
def test_closing_sees_through_reshaping(name, change, x):
    with Calls(ACTIVATIONS, nn.Identity()) as calls:
        torch.sigmoid(x)
        result = FORMS[name][0](x * 1.0)
        torch.tanh(x)
        result = change(result)
    assert closing(result, calls.made).name == name


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
@pytest.mark.parametrize("name", ["softmax", "relu", "relu_"])
def test_closing_does_not_see_through_arithmetic(name, change, x):
    with Calls(ACTIVATIONS, nn.Identity()) as calls:
        result = change(FORMS[name][-1](x * 1.0))
    assert closing(result, calls.made) is None


def test_closing_knows_an_in_place_call_on_a_view(x):
    with Calls(ACTIVATIONS, nn.Identity()) as calls:
        flat = (x * 1.0).view(2, 6)
        functional.relu(flat, inplace=True)
    assert closing(flat, calls.made).name == closing(flat.unsqueeze(1), calls.made).name == "relu"


def test_closing_takes_the_last_of_two_and_knows_no_other(x):
    with Calls(ACTIVATIONS, nn.Identity()) as calls:
        first = torch.relu(x)
        second = torch.relu(first)
    assert closing(second, calls.made).index == 1 and closing(first, calls.made).index == 0
    assert closing(x, calls.made) is None
    with torch.no_grad(), Calls(ACTIVATIONS, nn.Identity()) as calls:
        bare = torch.relu(x)
    assert closing(bare, calls.made).name == "relu" and closing(bare + 1, calls.made) is None


class Shared(nn.Module):
    """One layer used twice, one inside another, and a call of its own."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
        self.again = self.block[1]

    def forward(self, x):
        return torch.sigmoid(self.again(self.block(x)))


def test_the_path_is_the_innermost_module_that_runs():
    net, seen = Shared(), []
    net.block[0].register_forward_hook(lambda *_: seen.append(path.current))
    with ModulePath(net) as path, Calls(ACTIVATIONS, net) as calls:
        net(torch.randn(2, 3))
        assert path.current == ""
    assert [(c.name, c.module) for c in calls.made] == [("tanh", "block.1"), ("tanh", "block.1"), ("sigmoid", "")]
    assert seen == ["block.0"] or seen == ["block"]
    assert len(net.block[0]._forward_hooks) == 1 and not net.block[1]._forward_hooks


@pytest.mark.parametrize(("name", "low", "high"), [("sigmoid", 0.01, 0.99), ("tanh", -0.98, 0.98), ("relu", None, None)])
def test_health_against_brute_force(name, low, high):
    """Dead: a unit that is 0 in every row. Saturated: a value within a hundredth of the range of a limit."""
    torch.manual_seed(1)
    values = torch.randn(16, 5, 2) * 4
    values[:, 1, 0] = -values[:, 1, 0].abs()
    values[3:, 2, 1] = -1.0
    with Calls(ACTIVATIONS, nn.Identity()) as calls:
        result = getattr(torch, name)(values)
    found = health(calls.made[0])
    rows = result.reshape(16, -1).tolist()
    dead = sum(all(row[i] == 0 for row in rows) for i in range(10)) / 10
    extreme = sum(v < low or v > high for row in rows for v in row) / 160 if low is not None else 0.0
    assert found.dead == pytest.approx(dead if name == "relu" else 0.0) and (dead >= 0.1 or name != "relu")
    assert found.saturated == pytest.approx(extreme) and (name == "relu" or 0 < extreme < 1)


def test_health_needs_a_batch_axis_and_values():
    with Calls(ACTIVATIONS, nn.Identity()) as calls:
        torch.relu(torch.randn(4))
        torch.relu(torch.randn(0, 4))
    assert [health(call) for call in calls.made] == [None, None]
