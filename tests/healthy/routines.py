"""Programs that differ in how they are trained: modes, schedules, samplers, accumulation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from dldebug_magics.engine.subject import Subject

from .data import digits, loader
from .kind import healthy


def _net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


@healthy(sgd=0.1, adam=3e-3)
def left_in_evaluation_mode() -> Subject:
    """Harmless: no layer here has two modes."""
    return Subject(_net().eval(), nn.CrossEntropyLoss(), train=loader(*digits()))


@healthy(sgd=0.1, adam=3e-3)
def accumulated_gradients() -> Subject:
    """Four small batches are one step: each loss is a quarter of the whole."""
    net = _net()

    def step(batch: tuple[Tensor, Tensor]) -> Tensor:
        parts = zip(*(column.chunk(4) for column in batch), strict=True)
        return sum((functional.cross_entropy(net(x), y) / 4 for x, y in parts), torch.zeros(()))

    return Subject(net, train=loader(*digits()), step=step)


@healthy(sgd=0.1, adam=3e-3, floor=None)
def mixed_samples() -> Subject:
    """Mixup: every input is a mean of two, and so is its target."""
    images, labels = digits(32)
    targets, order, share = functional.one_hot(labels, 10).float(), torch.randperm(32), torch.rand(32, 1) * 0.5
    return Subject(
        _net(), nn.CrossEntropyLoss(), train=(images * (1 - share) + images[order] * share, targets * (1 - share) + targets[order] * share)
    )


@healthy(sgd=0.1, adam=3e-3)
def weighted_sampler() -> Subject:
    """One class in ten, drawn as often as the rest: rare samples come twice in a batch."""
    images, labels = digits(200)
    rare = (labels == 3).long()
    weights = torch.where(rare == 1, 0.5 / rare.sum(), 0.5 / (1 - rare).sum())
    sampler = WeightedRandomSampler(weights, 200, generator=torch.Generator().manual_seed(3))
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    return Subject(net, nn.CrossEntropyLoss(), train=DataLoader(TensorDataset(images, rare), 32, sampler=sampler))


def _one_cycle(optimizer: torch.optim.Optimizer) -> OneCycleLR:
    return OneCycleLR(optimizer, max_lr=optimizer.param_groups[0]["lr"], total_steps=400, cycle_momentum=False)


@healthy(sgd=0.1, adam=3e-3, schedule=_one_cycle)
def one_cycle_per_batch() -> Subject:
    return Subject(_net(), nn.CrossEntropyLoss(), train=loader(*digits()))


class _Sampled(nn.Module):
    """Monte-Carlo dropout: dropped in evaluation mode, too, as an ensemble for uncertainty."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(64, 128), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.two(functional.dropout(torch.relu(self.one(x)), 0.2, training=True))


@healthy(sgd=0.1, adam=3e-3, floor=None)
def monte_carlo_dropout() -> Subject:
    return Subject(_Sampled(), nn.CrossEntropyLoss(), train=loader(*digits()))
