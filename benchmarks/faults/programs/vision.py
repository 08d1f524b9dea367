"""Convolutional programs: plain, with batch norm, residual, a class for every pixel, several facts of a picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import data, scores
from ..kind import Activation, as_module, program, scaled
from ..program import Program, optimizer

Adam, SGD = torch.optim.Adam, torch.optim.SGD


@program
def conv(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    one, two = scaled(8, width), scaled(16, width)
    net = nn.Sequential(
        nn.Conv2d(1, one, 3, padding=1),
        as_module(activation),
        nn.MaxPool2d(2),
        nn.Conv2d(one, two, 3, padding=1),
        as_module(activation),
        nn.Flatten(),
        nn.Linear(two * 16, 10),
    )
    return Program("conv", "classes", net, nn.CrossEntropyLoss(), data.pictures(), optimizer(Adam, lr=3e-3), 8, scores.accuracy)


class _Handwriting(nn.Module):
    """Batch norm behind each convolution, functional calls between."""

    def __init__(self, width: float, activation: Activation):
        super().__init__()
        one, two = scaled(8, width), scaled(16, width)
        self.conv1, self.bn1 = nn.Conv2d(1, one, 3, bias=False), nn.BatchNorm2d(one)
        self.conv2, self.bn2 = nn.Conv2d(one, two, 3, bias=False), nn.BatchNorm2d(two)
        self.fc, self.activation = nn.Linear(two * 4, 10), activation

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(self.activation(self.bn1(self.conv1(x))), 2)
        x = functional.max_pool2d(self.activation(self.bn2(self.conv2(x))), 2)
        return self.fc(torch.flatten(x, 1))


@program
def handwriting(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    net, rate = _Handwriting(width, activation), optimizer(torch.optim.AdamW, lr=1e-2)
    return Program("handwriting", "classes", net, nn.CrossEntropyLoss(), data.handwriting(), rate, 6, scores.accuracy)


class _Block(nn.Module):
    """A residual block, pre-activated."""

    def __init__(self, channels: int, activation: Activation):
        super().__init__()
        self.norm, self.activation = nn.BatchNorm2d(channels), activation
        self.one, self.two = nn.Conv2d(channels, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.one(self.activation(self.norm(x)))
        return x + self.two(self.activation(inner))


class _Residual(nn.Module):
    def __init__(self, channels: int, activation: Activation):
        super().__init__()
        self.stem = nn.Conv2d(1, channels, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(_Block(channels, activation), _Block(channels, activation))
        self.head = nn.Linear(channels * 16, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(images)).flatten(1))


@program
def residual(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    net, rate = _Residual(scaled(12, width), activation), optimizer(SGD, lr=0.05, momentum=0.9)
    return Program("residual", "classes", net, functional.cross_entropy, data.pictures(), rate, 6, scores.accuracy)


@program
def segmentation(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    inner = scaled(16, width)
    net = nn.Sequential(
        nn.Conv2d(1, inner, 3, padding=1),
        as_module(activation),
        nn.Conv2d(inner, inner, 3, padding=1),
        as_module(activation),
        nn.Conv2d(inner, 3, 1),
    )
    rate = optimizer(Adam, lr=1e-2)
    return Program("segmentation", "pixels", net, nn.CrossEntropyLoss(), data.masks(), rate, 6, scores.accuracy, batch_size=16)


class _Seen(nn.Module):
    """Facts of a picture; the pooling and the flattening are functional."""

    def __init__(self, width: float, activation: Activation):
        super().__init__()
        self.channels = scaled(12, width)
        self.conv1, self.conv2 = nn.Conv2d(1, self.channels, 3, padding=1), nn.Conv2d(self.channels, self.channels, 3)
        self.out, self.activation = nn.Linear(self.channels * 9, 4), activation

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.conv1(x))
        x = functional.avg_pool2d(self.activation(self.conv2(x)), 2)
        return self.out(x.view(-1, self.channels * 9))


@program
def seen_facts(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    images = tuple((inputs.view(-1, 1, 8, 8), targets) for inputs, targets in data.facts())
    net, loss = _Seen(width, activation), nn.BCEWithLogitsLoss()
    return Program("seen_facts", "flags", net, loss, images, optimizer(Adam, lr=1e-2), 8, scores.ranking)
