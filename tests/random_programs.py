"""Random small programs for property tests: nets, optimizers and states as users might have them half-way through their work."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.engine.subject import Subject

WIDTH = 4


class Branches(nn.Module):
    """Two ways and a sum; the second starts as nothing."""

    def __init__(self, *ways: nn.Module):
        super().__init__()
        self.ways, self.gain = nn.ModuleList(ways), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.ways[0](x) + self.gain * self.ways[-1](x)


class Rows(nn.Module):
    """A recurrent layer over the columns."""

    def __init__(self, kind: type[nn.RNNBase]):
        super().__init__()
        self.memory = kind(1, WIDTH, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.memory(x[:, :, None])[0][:, -1]


class Filters(nn.Module):
    """A convolution over the columns."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Conv1d(1, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.filters(x[:, None]).mean(1)


class Remembers(nn.Module):
    """Keeps what it saw: a tensor with its graph, a list that grows, a count, and a generator that moves on."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Tensor | None = None
        self.history: list[Any] = []
        self.calls, self.random = 0, random.Random(3)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.history.append(self.random.random())
        self.last = x * 1.0
        return self.last


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(WIDTH, WIDTH),
    "normalised": lambda: weight_norm(nn.Linear(WIDTH, WIDTH)),
    "spectral": lambda: torch.nn.utils.parametrizations.spectral_norm(nn.Linear(WIDTH, WIDTH)),
    "filters": Filters,
    "batch norm": lambda: nn.BatchNorm1d(WIDTH),
    "layer norm": lambda: nn.LayerNorm(WIDTH),
    "dropout": lambda: nn.Dropout(0.3),
    "relu": nn.ReLU,
    "in place": lambda: nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(inplace=True)),
    "lstm": lambda: Rows(nn.LSTM),
    "gru": lambda: Rows(nn.GRU),
    "branches": lambda: Branches(nn.Linear(WIDTH, WIDTH), nn.Sequential(nn.Tanh(), nn.Linear(WIDTH, WIDTH))),
    "remembers": Remembers,
    "lazy": lambda: nn.LazyLinear(WIDTH),
}
OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "amsgrad": lambda p: torch.optim.AdamW(p, lr=0.01, amsgrad=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
    "lbfgs": lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=2),
}
LOSSES = ("module", "function", "closes over the model", "step")


@st.composite
def programs(draw: st.DrawFn) -> Subject:
    """A subject in some state: some steps done, some parameters frozen, some gradients gone or zero, some modules in evaluation mode."""
    torch.manual_seed(draw(st.integers(0, 3)))
    layers = draw(st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=4))
    net = nn.Sequential(nn.Linear(WIDTH, WIDTH), *(LAYERS[name]() for name in layers), nn.Linear(WIDTH, 2))
    x, y = torch.randn(6, WIDTH), torch.randn(6, 2)
    if draw(st.booleans()):
        net(x)  # a lazy layer gets its shape, what remembers remembers
    lazy = any(isinstance(p, nn.UninitializedParameter) for p in net.parameters())
    kind = draw(st.sampled_from(sorted(OPTIMIZERS.keys() - ({"adagrad", "lbfgs"} if lazy else set()))))  # those look at the numbers
    optimizer = OPTIMIZERS[kind](net.parameters() if kind == "lbfgs" else _groups(draw, net))
    subject = _with_loss(draw(st.sampled_from(LOSSES)), net, optimizer, (x, y))
    for _ in range(draw(st.integers(0, 2))):
        _stepped(net, optimizer, x, y)
    for parameter in net.parameters():
        _disturbed(draw, parameter)
    for module in net.modules():
        if draw(st.integers(0, 5)) == 0:
            module.train(not module.training)
    return subject


def _groups(draw: st.DrawFn, net: nn.Sequential) -> Any:
    if draw(st.booleans()):
        return net.parameters()
    return [{"params": list(net[0].parameters()), "lr": 0.02}, {"params": [p for layer in net[1:] for p in layer.parameters()]}]


def _with_loss(kind: str, net: nn.Module, optimizer: torch.optim.Optimizer, data: tuple[Tensor, Tensor]) -> Subject:
    loader = DataLoader(TensorDataset(*data), batch_size=3, shuffle=True, generator=torch.Generator().manual_seed(1))
    diary: list[Tensor] = []

    def step(batch: tuple[Tensor, Tensor]) -> Tensor:
        loss = functional.mse_loss(net(batch[0]), batch[1])
        diary.append(loss.detach())
        return loss

    def penalised(output: Tensor, y: Tensor) -> Tensor:
        diary.append(output.detach())
        return functional.mse_loss(output, y) + sum(p.square().mean() for p in net.parameters())

    losses: dict[str, Any] = {"module": nn.MSELoss(), "function": functional.mse_loss, "closes over the model": penalised, "step": None}
    return Subject(net, losses[kind], optimizer, loader, step=step if kind == "step" else None, batch=data)


def _stepped(net: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.mse_loss(net(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)


def _disturbed(draw: st.DrawFn, parameter: nn.Parameter) -> None:
    state = draw(st.sampled_from(["as it is", "as it is", "frozen", "no gradient", "zero gradient"]))
    lazy = isinstance(parameter, nn.UninitializedParameter)
    if state == "frozen":
        parameter.requires_grad = False
    elif state == "no gradient" and not lazy:
        parameter.grad = None
    elif state == "zero gradient" and not lazy:
        parameter.grad = torch.zeros_like(parameter)
