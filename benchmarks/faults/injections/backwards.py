"""The way back: gradients that are cut off or computed wrongly."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..fault import fault
from ..program import Program
from ..surgery import Called, before_head, layer


@fault("detach", "data", "no_grad", "numpy")
def detached_graph(program: Program, spelling: str) -> Program | None:
    if spelling == "no_grad":
        return before_head(program, _NoGrad(layer(program)))
    cuts = {"detach": lambda x: x.detach(), "data": lambda x: x.data, "numpy": lambda x: torch.tensor(x.tolist())}
    return before_head(program, Called(cuts[spelling]))


class _NoGrad(nn.Module):
    """A layer that is run without gradients."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.relu(self.inner(x))


class _Ramp(torch.autograd.Function):
    """ReLU with a backward of its own: where the input was negative."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x < 0)


class _Turned(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.tanh()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return -gradient * (1 - x.tanh() ** 2)


class _Square(torch.autograd.Function):
    """Forgets the factor x, and so its sign."""

    @staticmethod
    def forward(ctx, x):
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


@fault("where_negative", "minus", "factor_forgotten")
def wrong_custom_backward(program: Program, spelling: str) -> Program | None:
    function = {"where_negative": _Ramp, "minus": _Turned, "factor_forgotten": _Square}[spelling]
    return before_head(program, layer(program), Called(function.apply))
