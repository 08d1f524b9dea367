"""The first operation that turns finite numbers into others: its name, line, module and pass; silence where all stays finite."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from dldebug_magics.instruments.non_finite import FirstNonFinite

FORWARD = {
    "log": (lambda x: torch.log(x * 0), "log"),
    "zero by zero": (lambda x: (x * 0) / (x * 0), "div"),
    "one by zero": (lambda x: 1 / (x * 0), "reciprocal"),
    "exp": (lambda x: torch.exp(x.abs() + 100), "exp"),
    "root of a negative number": (lambda x: torch.sqrt(-x.abs() - 1), "sqrt"),
    "power": (lambda x: (x.abs() + 1e20) ** 2, "pow"),
    "sum": (lambda x: (x.abs() + 1) * 3e38, "mul"),
}
BACKWARD = {
    "root at 0": (lambda x: torch.sqrt(x * 0), "sqrt"),
    "power at 0": (lambda x: (x * 0) ** 0.5, "pow"),
    "log masked out": (lambda x: torch.where(x > 99, torch.log(x.clamp(min=0) * 0), x), "log"),
}


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(4, 3, requires_grad=True)


@pytest.mark.parametrize(("program", "name"), FORWARD.values(), ids=FORWARD)
def test_the_forward_operation_is_caught_as_it_runs(program, name, x):
    with FirstNonFinite(nn.Identity()) as watch:
        result = program(x)
    assert not torch.isfinite(result).all()
    first = watch.found[0]
    assert first.name == name and not first.backward
    assert first.line.place.startswith("test_non_finite.py, line ")
    assert all(math.isfinite(end) for span in first.inputs for end in span)


@pytest.mark.parametrize(("program", "name"), BACKWARD.values(), ids=BACKWARD)
def test_the_backward_pass_points_to_the_forward_operation_at_its_edge(program, name, x):
    with FirstNonFinite(nn.Identity()) as watch:
        loss = program(x).sum()
        assert math.isfinite(float(loss.detach()))
        watch.backward = True
        loss.backward()
    assert not torch.isfinite(x.grad).all()
    assert watch.found and (watch.found[0].backward or name == "log")
    assert name in [edge.name for edge in watch.at_edge]


def test_only_what_came_first_stands_first(x):
    with FirstNonFinite(nn.Identity()) as watch:
        (torch.log(x * 0) * 2).exp().sum()
    assert [found.name for found in watch.found] == ["log"], "what follows is given numbers that are none"


def test_the_inputs_are_their_ranges():
    with FirstNonFinite(nn.Identity()) as watch:
        torch.tensor([3.0, -2.0]) / torch.tensor([0.0, 4.0])
    assert watch.found[0].inputs == ((-2.0, 3.0), (0.0, 4.0))


def test_the_module_in_which_it_happened():
    class Logs(nn.Module):
        def forward(self, x):
            return torch.log(x)

    net = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Identity(), Logs()))
    with FirstNonFinite(net) as watch:
        net(torch.tensor([-1.0, 2.0]))
    assert watch.found[0].module == "1.1" and watch.found[0].line.source == "return torch.log(x)"


@pytest.mark.parametrize(
    "program",
    [
        lambda x: torch.softmax(x.masked_fill(x > 0, -math.inf).index_fill(1, torch.tensor([0]), 0.0), 1),
        lambda x: torch.softmax(x + torch.full((4, 3), -math.inf).triu(1), 1),
        lambda x: torch.softmax(torch.where(x > 0, x, x.new_tensor(-math.inf)).index_fill(1, torch.tensor([0]), 0.0), 1),
        lambda x: nn.Linear(3, 2)(x).log_softmax(1).logsumexp(1),
        lambda x: nn.LayerNorm(3)(x * 0),
        lambda x: nn.functional.normalize(x, dim=1),
        lambda x: torch.nn.functional.scaled_dot_product_attention(x[None], x[None], x[None], is_causal=True),
        lambda x: x.norm(dim=1) / (x.abs().sum() + 1),
        lambda x: torch.empty(0, 3).sum() + x.sum(),
        lambda x: (x > 0).long().sum() + x.exp().sum(),
    ],
)
def test_sound_programs_are_silent(program, x):
    """Masks of -inf among them: the fill and what takes it up are no culprits."""
    with FirstNonFinite(nn.Identity()) as watch:
        loss = program(x).square().sum()
        watch.backward = True
        loss.backward()
    assert watch.found == [] and torch.isfinite(x.grad).all()


@pytest.mark.parametrize(("name", "culprits"), [("new_empty_strided", 0), ("empty_strided", 0), ("exp", 1)])
def test_memory_that_is_not_written_yet_is_no_culprit(name, culprits):
    class Gives:
        """An operation of that name that gives NaN, as memory may that nobody has written to."""

        overloadpacket = getattr(torch.ops.aten, name)

        def __call__(self, *args, **kwargs):
            return torch.full((4,), math.nan)

    watch = FirstNonFinite(nn.Identity())
    watch.__torch_dispatch__(Gives(), (), (torch.ones(3),))
    assert len(watch.found) == culprits


def test_numbers_are_as_without_looking_and_hooks_are_gone(x):
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.BatchNorm1d(5), nn.Linear(5, 1))
    bare = net(x).sum()
    gradients = torch.autograd.grad(bare, net.parameters())
    with FirstNonFinite(net):
        seen = net(x).sum()
        found = torch.autograd.grad(seen, net.parameters())
    assert torch.equal(bare, seen) and all(torch.equal(a, b) for a, b in zip(gradients, found, strict=True))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
