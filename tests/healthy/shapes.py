"""Programs of unusual form: in their batch, in their model, or in how a step is done."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import Rows, digits, loader, pictures
from .kind import healthy


@healthy(sgd=0.1, adam=3e-3)
def lazy_layers() -> Subject:
    net = nn.Sequential(nn.LazyConv2d(16, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(64), nn.ReLU(), nn.LazyLinear(10))
    return Subject(net, nn.CrossEntropyLoss(), train=loader(*pictures()))


@healthy(sgd=0.1, adam=3e-3)
def own_step() -> Subject:
    """Two networks trained by a step of its own, which also keeps a diary."""
    images, labels = digits()
    encoder, head, diary = nn.Linear(64, 64), nn.Linear(64, 10), []

    def step(batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        loss = functional.cross_entropy(head(torch.relu(encoder(x))), y)
        diary.append(loss.item())
        return loss

    return Subject(nn.ModuleList([encoder, head]), train=loader(images, labels), step=step)


@dataclasses.dataclass
class Sample:
    """A batch with names."""

    image: Tensor
    label: Tensor
    names: list[str]


class _Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, image: Tensor) -> Tensor:
        return self.net(image)


@healthy(sgd=0.1, adam=3e-3)
def dataclass_batch() -> Subject:
    images, labels = pictures(16)
    return Subject(_Named(), nn.CrossEntropyLoss(), train=[Sample(images, labels, [f"row {i}" for i in range(16)])])


class Pair(NamedTuple):
    """Two pictures, and whether they show the same digit."""

    left: Tensor
    right: Tensor
    same: Tensor


class _Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Linear(64, 64), nn.Tanh()), nn.Linear(64, 1)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return self.head((self.body(left) - self.body(right)).abs())[:, 0]


@healthy(sgd=0.5, adam=1e-2)
def two_inputs() -> Subject:
    images, labels = digits()
    pair = Pair(images[:24], images[24:48], (labels[:24] % 3 == labels[24:48] % 3).float())
    return Subject(_Siamese(), nn.BCEWithLogitsLoss(), train=pair)


class _Noisy(nn.Module):
    """Adds noise from a generator of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.random = numpy.random.default_rng(7)
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x + 0.02 * torch.from_numpy(self.random.standard_normal(x.shape, dtype=numpy.float32)))


@healthy(sgd=0.1, adam=3e-3)
def own_generator() -> Subject:
    return Subject(_Noisy(), nn.CrossEntropyLoss(), train=Rows(*digits(16)))


class _InPlace(nn.Module):
    """Normalises its input in place."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.sub_(0.3).div_(0.4))


@healthy(sgd=0.1, adam=3e-3)
def writes_to_its_input() -> Subject:
    return Subject(_InPlace(), nn.CrossEntropyLoss(), train=digits(16))
