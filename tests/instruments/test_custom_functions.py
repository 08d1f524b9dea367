"""The user's own autograd functions: found under any name, caught with their arguments, and put back as they were written."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dldebug_magics.instruments.custom_functions import arguments_of, custom_functions, has_context, in_place_of
from dldebug_magics.instruments.slopes import hands_on, slopes


class Old(torch.autograd.Function):
    """With a context."""

    @staticmethod
    def forward(ctx, x, power):
        ctx.save_for_backward(x)
        ctx.power = power
        return x**power

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.power * ctx.saved_tensors[0] ** (ctx.power - 1), None


class New(torch.autograd.Function):
    """With the context set up beside, and a wrong gradient for its second argument."""

    @staticmethod
    def forward(x, w):
        return x @ w

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient):
        x, w = ctx.saved_tensors
        return gradient @ w.t(), 2 * x.t() @ gradient


taken_earlier = Old.apply


def test_found_in_the_graph_under_any_name():
    x, w = torch.ones(2, 3, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    loss = New.apply(taken_earlier(x, 2), w).sum()
    assert set(custom_functions(loss)) == {Old, New}
    assert custom_functions(torch.ones(())) == [] and has_context(Old) and not has_context(New)


def test_a_librarys_own_functions_are_left_alone():
    layer = nn.Linear(3, 3)
    loss = torch.utils.checkpoint.checkpoint(layer, torch.ones(2, 3, requires_grad=True), use_reentrant=True).sum()
    assert custom_functions(loss) == []


def test_catches_the_first_arguments_and_lets_go():
    before = {kind: dict(vars(kind)) for kind in (Old, New)}
    x, w = torch.arange(6.0).reshape(2, 3).requires_grad_(), torch.ones(3, 2)
    with arguments_of([Old, New]) as seen:
        New.apply(taken_earlier(x, 2), w).sum().backward()
        Old.apply(x + 1, 3)
    assert torch.equal(seen[Old][0], x) and seen[Old][1] == 2 and seen[Old][0].requires_grad
    assert torch.equal(seen[New][0], x.detach() ** 2) and not seen[New][1].requires_grad
    assert torch.equal(x.grad, 4 * x.detach())
    assert {kind: dict(vars(kind)) for kind in (Old, New)} == before


def test_what_was_inherited_is_inherited_again():
    class Child(Old):
        pass

    with in_place_of(Child, "forward", lambda forward: lambda ctx, x, power: forward(ctx, x, power) + 1):
        assert Child.apply(torch.tensor(2.0), 2) == 5
    assert "forward" not in vars(Child) and Child.apply(torch.tensor(2.0), 2) == 4


def test_slopes():
    torch.manual_seed(0)
    x, w = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((4, 3), (3, 2)))
    right, wrong = slopes(New, (x, w), 0, (0, 1)), slopes(New, (x, w), 1, (0, 1))
    assert right.backward == pytest.approx(right.measured, rel=1e-5) and right.smooth
    assert wrong.backward == pytest.approx(2 * wrong.measured, rel=1e-5)
    assert not hands_on(New, (x, w), 0, 0) and hands_on(Old, (x, 1), 0, 0)
