"""A problem as a user brings it: a program that was trained, its splits, and behind it what the user does not have.

That is more data of the same kind, and a test set large enough to tell what a remedy is truly worth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.evaluation.passes import scored

Part = tuple[Tensor, Tensor]  # inputs and targets
_LARGE = 500  # samples a batch where nothing is trained


@dataclasses.dataclass(frozen=True)
class Splits:
    """The user's splits, in (inputs, targets); `pool` and `large` are ours: as much again to train on, and the large test set."""

    train: Part
    train_val: Part
    test_val: Part
    test: Part
    pool: Part
    large: Part


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem. term: the dominant term that is planted. model, optimizer: made anew for a seed. epochs: how long the user trains."""

    name: str
    term: str
    splits: Splits
    model: Callable[[], nn.Module]
    optimizer: Callable[[nn.Module], torch.optim.Optimizer]
    epochs: int
    batch_size: int = 32
    loss_fn: Callable[..., Any] = dataclasses.field(default_factory=nn.CrossEntropyLoss)
    metric: str | None = None
    human: float | None = None

    def untrained(self, seed: int, twice: bool = False) -> Subject:
        """The program before its training; twice: with the pool beside its training data."""
        torch.manual_seed(seed)
        splits, model = self.splits, self.model()
        train = joined(splits.train, splits.pool) if twice else splits.train
        order = torch.Generator().manual_seed(seed)
        loader = DataLoader(TensorDataset(*train), self.batch_size, shuffle=True, generator=order)
        held_out = {role: DataLoader(TensorDataset(*getattr(splits, role)), _LARGE) for role in ("train_val", "test_val", "test")}
        rest = {"metric": self.metric, "human": self.human, "seed": seed}
        return Subject(model, self.loss_fn, self.optimizer(model), loader, **held_out, **rest)

    def trained(self, seed: int) -> Subject:
        """The program as the user has it."""
        return train(self.untrained(seed), self.epochs)

    def error(self, subject: Subject) -> float:
        """What it is worth on the large test set."""
        return measured(subject, self.splits.large)


def train(subject: Subject, epochs: int) -> Subject:
    """The loop that anyone would write, with the random numbers of the subject's seed."""
    torch.manual_seed(subject.seed)
    for _ in range(epochs):
        subject.model.train()
        for batch in subject.train:
            subject.optimizer.zero_grad()
            loss_of(subject, batch).loss.backward()
            subject.optimizer.step()
    return subject


def measured(subject: Subject, part: Part) -> float:
    """The metric on these samples."""
    *_, last = scored(subject, DataLoader(TensorDataset(*part), _LARGE), "large", subject.metric)
    return last.value


def joined(one: Part, other: Part) -> Part:
    """Both parts as one."""
    return torch.cat([one[0], other[0]]), torch.cat([one[1], other[1]])


def cut(inputs: Tensor, targets: Tensor, *sizes: int, seed: int = 0) -> list[Part]:
    """Parts of these sizes, drawn without replacement; the last takes what is left."""
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))
    ends = torch.tensor(sizes).cumsum(0).tolist()
    return [(inputs[chosen], targets[chosen]) for chosen in torch.tensor_split(order, ends)]
