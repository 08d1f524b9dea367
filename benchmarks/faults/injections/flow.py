"""The signal through the layers: cut, frozen in a list, bent wrongly, faded, grown, silent."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..fault import fault
from ..program import Program
from ..surgery import Called, Change, Wrapped, before_head, features, head, layer, plain_layers, swap


@fault("list", "dict", "head")
def params_in_plain_list(program: Program, spelling: str) -> Program | None:
    if spelling == "head":
        path, last = plain_layers(program.model)[-1]
        swap(program.model, path, _Listed([last], _nothing))
        program.refit()
        return program
    middle = [layer(program, units=6), layer(program, columns=6)]
    return before_head(program, _Listed(middle) if spelling == "list" else _Named({"one": middle[0], "two": middle[1]}))


class _Listed(nn.Module):
    def __init__(self, layers: list[nn.Module], bend: Change = torch.relu):
        super().__init__()
        self.layers, self.bend = layers, bend

    def forward(self, x: Tensor) -> Tensor:
        for one in self.layers:
            x = self.bend(one(x))
        return x


class _Named(nn.Module):
    def __init__(self, layers: dict[str, nn.Module]):
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layers["two"](torch.tanh(self.layers["one"](x))))


@fault("sigmoids", "many_sigmoids", "small_tanh")
def vanishing_gradient(program: Program, spelling: str) -> Program | None:
    count, bend = {"sigmoids": (6, nn.Sigmoid), "many_sigmoids": (10, nn.Sigmoid), "small_tanh": (8, nn.Tanh)}[spelling]
    deep: list[nn.Module] = []
    for _ in range(count):
        one = layer(program)
        if spelling == "small_tanh":
            nn.init.normal_(one.weight, std=0.02)
        deep += [one, bend()]
    return before_head(program, *deep)


@fault("deep_relu", "deep_linear", "repeated")
def exploding_gradient(program: Program, spelling: str) -> Program | None:
    width = features(program)
    deep: list[nn.Module] = []
    for _ in range(8):
        one = layer(program)
        nn.init.normal_(one.weight, std=4 / width**0.5)
        deep += [one, nn.ReLU()] if spelling == "deep_relu" else [one]
    return before_head(program, *(deep if spelling != "repeated" else [_Repeated(deep[0])]))


class _Repeated(nn.Module):
    """One layer again and again, as in a recurrence written by hand."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(10):
            x = x + torch.relu(self.inner(x))
        return x


@fault("identity", "twice_as_wide")
def missing_nonlinearity(program: Program, spelling: str) -> Program | None:
    """Only where a linear model does worse, which an experiment showed: most small data sets are content with one."""
    if program.name not in ("facts", "seen_facts", "ink", "residual", "letters_attention"):
        return None
    return program.rebuild(activation=_nothing, width=1.0 if spelling == "identity" else 2.0)


def _nothing(x: Tensor) -> Tensor:
    return x


@fault("relu", "tanh")
def module_made_in_forward(program: Program, spelling: str) -> Program | None:
    width, convolves = features(program), isinstance(head(program.model), nn.Conv2d)
    make = (lambda: nn.Conv2d(width, width, 1)) if convolves else (lambda: nn.Linear(width, width))
    bend = torch.relu if spelling == "relu" else torch.tanh
    return before_head(program, Called(lambda x: bend(make()(x))))


@fault("zeros", "ones", "noise")
def input_ignored(program: Program, spelling: str) -> Program | None:
    if spelling == "ones":
        return before_head(program, Called(torch.ones_like))
    if not program.data[0][0].is_floating_point():
        return before_head(program, Called(torch.zeros_like))
    program.model = Wrapped(program.model, before=torch.zeros_like if spelling == "zeros" else torch.randn_like)
    return program
