"""Convolutional programs on the digits."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from dldebug_magics.engine.subject import Subject

from .data import loader, pictures
from .kind import healthy


@healthy(sgd=0.05, adam=3e-3)
def conv_batch_norm() -> Subject:
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(32 * 16, 10),
    )
    return Subject(net, nn.CrossEntropyLoss(), train=loader(*pictures()))


class _Block(nn.Module):
    """A residual block that starts as the identity: its last scale is zero."""

    def __init__(self, width: int):
        super().__init__()
        self.one, self.two = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.norm_one, self.norm_two = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm_two.weight)

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.norm_one(self.one(x)))
        return torch.relu(x + self.norm_two(self.two(inner)))


@healthy(sgd=0.05, adam=3e-3)
def residual_with_zero_branch() -> Subject:
    net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), _Block(16), _Block(16), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(256, 10))
    return Subject(net, nn.CrossEntropyLoss(), train=loader(*pictures()))


@healthy(sgd=0.3, adam=1e-2)
def segmentation() -> Subject:
    images, _ = pictures()
    net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 2, 1))
    return Subject(net, nn.CrossEntropyLoss(), train=loader(images, (images[:, 0] > 0.4).long(), batch_size=8))


@healthy(sgd=0.05, adam=3e-3)
def weight_normalised() -> Subject:
    net = nn.Sequential(
        weight_norm(nn.Conv2d(1, 16, 3)),
        nn.LeakyReLU(),
        weight_norm(nn.Conv2d(16, 16, 3)),
        nn.LeakyReLU(),
        nn.Flatten(),
        weight_norm(nn.Linear(16 * 16, 10)),
    )
    return Subject(net, nn.CrossEntropyLoss(), train=loader(*pictures()))


class _Frozen(nn.Module):
    """A backbone that is not trained, in evaluation mode for good, under a new head."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 48, 3), nn.BatchNorm2d(48), nn.ReLU(), nn.Flatten()).requires_grad_(False)
        self.head = nn.Sequential(nn.Linear(48 * 36, 64), nn.ReLU(), nn.Linear(64, 10))
        self.backbone.eval()

    def train(self, mode: bool = True) -> _Frozen:
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


@healthy(sgd=0.02, adam=2e-3)
def frozen_backbone() -> Subject:
    return Subject(_Frozen(), nn.CrossEntropyLoss(), train=loader(*pictures()))


class _Watched(nn.Module):
    """Keeps its last features on itself, graph and all, as people do for saliency maps: it can't be deep-copied after its first pass."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU())
        self.head = nn.Linear(16 * 16, 10)
        self.features: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.features = self.body(x)
        return self.head(self.features.flatten(1))


@healthy(sgd=0.1, adam=3e-3)
def caches_activation() -> Subject:
    net, (images, labels) = _Watched(), pictures()
    net(images[:4])
    return Subject(net, nn.CrossEntropyLoss(), train=loader(images, labels))
