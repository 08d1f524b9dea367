"""One objective in the hands of many: the same loss in a plain loop, a class, an accumulation, a closure, and beside a second model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .faults.start import begun

Objective = Callable[[Tensor, Tensor], Tensor]  # of an output [N, 4] and labels [N]


def plain(objective: Objective, rate: float) -> Callable[[], None]:
    model, optimizer, loader = begun(rate=rate)

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                loss = objective(model(x), y)
                loss.backward()
                optimizer.step()

    return train


def methods_of_a_class(objective: Objective, rate: float) -> Callable[[], None]:
    class Trainer:
        def __init__(self):
            self.model, self.optimizer, self.loader = begun(rate=rate, momentum=0.5)
            self.objective, self.history = objective, []

        def training_step(self, batch):
            x, y = batch
            return self.objective(self.model(x), y)

        def fit(self, epochs):
            for _ in range(epochs):
                self.model.train()
                for batch in self.loader:
                    loss = self.training_step(batch)
                    self.optimizer.zero_grad(set_to_none=False)
                    loss.backward()
                    nn.utils.clip_grad_norm_(self.model.parameters(), 100.0)
                    self.optimizer.step()
                    self.history.append(loss.item())

    trainer = Trainer()
    return lambda: trainer.fit(4)


def accumulated(objective: Objective, rate: float) -> Callable[[], None]:
    model, optimizer, loader = begun(rate=rate, size=8)

    def train():
        for _ in range(4):
            for number, (x, y) in enumerate(loader, 1):
                loss = objective(model(x), y) / 2
                loss.backward()
                if number % 2 == 0:
                    optimizer.step()
                    optimizer.zero_grad()

    return train


def closure(objective: Objective, rate: float) -> Callable[[], None]:
    model, optimizer, loader = begun(rate=rate)

    def train():
        for _ in range(4):
            for x, y in loader:

                def again(x=x, y=y):
                    optimizer.zero_grad()
                    loss = objective(model(x), y)
                    loss.backward()
                    return loss

                optimizer.step(again)

    return train


def beside_a_second_model(objective: Objective, rate: float) -> Callable[[], None]:
    model, optimizer, loader = begun(rate=rate)
    other = nn.Linear(16, 16)
    second = torch.optim.Adam(other.parameters(), lr=1e-2)

    def train():
        for _ in range(4):
            for x, y in loader:
                second.zero_grad()
                F.mse_loss(other(x), x).backward()
                second.step()
                optimizer.zero_grad()
                objective(model(x), y).backward()
                optimizer.step()

    return train


def tensors_without_a_loader(objective: Objective, rate: float) -> Callable[[], None]:
    model, optimizer, loader = begun(rate=rate)
    xs, ys = loader.dataset.tensors

    def train():
        for _ in range(4):
            order = torch.randperm(len(xs))
            for start in range(0, len(xs), 16):
                chosen = order[start : start + 16]
                loss = objective(model(xs[chosen]), ys[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return train


STYLES = (plain, methods_of_a_class, accumulated, closure, beside_a_second_model, tensors_without_a_loader)
