"""Programs that train a part of a net, or one part against another."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import digits, loader, pictures
from .kind import healthy


class _Settled(nn.Module):
    """The batch norms keep the statistics of an earlier training; the layers around them go on learning."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.BatchNorm2d(16), nn.ReLU())
        self.head = nn.Linear(16 * 16, 10)
        for _ in range(30):
            self.body(pictures()[0])
        self.train()

    def train(self, mode: bool = True) -> _Settled:
        super().train(mode)
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval().requires_grad_(False)
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).flatten(1))


@healthy(sgd=0.02, adam=3e-3)
def frozen_batch_norm() -> Subject:
    return Subject(_Settled(), nn.CrossEntropyLoss(), train=loader(*pictures()))


class _Adapted(nn.Module):
    """A frozen layer, and beside it a narrow way that starts as nothing."""

    def __init__(self, layer: nn.Linear, rank: int = 8):
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down, self.up = nn.Linear(layer.in_features, rank, bias=False), nn.Linear(rank, layer.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + 2 * self.up(self.down(x))


@healthy(sgd=0.03, adam=1e-2)
def low_rank_adapters() -> Subject:
    net = nn.Sequential(_Adapted(nn.Linear(64, 64)), nn.ReLU(), _Adapted(nn.Linear(64, 64)), nn.ReLU(), _Adapted(nn.Linear(64, 10)))
    return Subject(net, nn.CrossEntropyLoss(), train=loader(*digits()))


class _Reverse(torch.autograd.Function):
    """The identity; its gradient is turned round on purpose."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return -0.1 * gradient


class _Adversarial(nn.Module):
    """Tells the digit, and is not to tell the domain."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.digit, self.domain = nn.Sequential(nn.Linear(64, 64), nn.ReLU()), nn.Linear(64, 10), nn.Linear(64, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        return self.digit(features), self.domain(_Reverse.apply(features))


def _both(output: tuple[Tensor, Tensor], digit: Tensor, domain: Tensor) -> Tensor:
    return functional.cross_entropy(output[0], digit) + functional.cross_entropy(output[1], domain)


@healthy(sgd=0.02, adam=3e-3, floor=None)
def gradient_reversal() -> Subject:
    images, labels = digits()
    domain = torch.arange(64) % 2
    return Subject(_Adversarial(), _both, train=loader(images + 0.2 * domain[:, None], labels, domain))


@healthy(sgd=0.3, adam=2e-2)
def linear_probe() -> Subject:
    """One linear layer on fixed features: random ones, and enough of them."""
    features = nn.Sequential(nn.Linear(64, 256), nn.ReLU()).requires_grad_(False)
    return Subject(nn.Sequential(features, nn.Linear(256, 10)), nn.CrossEntropyLoss(), train=loader(*digits()))
