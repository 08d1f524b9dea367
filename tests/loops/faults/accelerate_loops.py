"""Faults in loops with accelerate's wrappers."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..healthy.program import loaders, net
from ..quiet import accelerator


def missing_backward__with_accelerate():
    model, (batches, _), ours = net(), loaders(), accelerator()
    model, optimizer, batches = ours.prepare(model, torch.optim.Adam(model.parameters(), lr=1e-2), batches)

    def train():
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                optimizer.step()  # fault
                ours.gather(loss.detach())

    return train


def missing_zero_grad__with_accelerate():
    def train():
        model, (batches, _), ours = net(), loaders(), accelerator(gradient_accumulation_steps=2)
        model, optimizer, batches = ours.prepare(model, torch.optim.SGD(model.parameters(), lr=0.02), batches)
        for _ in range(4):
            for x, y in batches:
                with ours.accumulate(model):
                    ours.backward(F.cross_entropy(model(x), y))  # fault
                    optimizer.step()

    return train


def zero_grad_wrong_place__with_accelerate():
    model, (batches, _), ours = net(), loaders(), accelerator(mixed_precision="bf16")
    model, optimizer, batches = ours.prepare(model, torch.optim.SGD(model.parameters(), lr=0.02), batches)

    def train():
        for _ in range(4):
            for x, y in batches:
                ours.backward(F.cross_entropy(model(x), y))
                optimizer.zero_grad()  # fault
                optimizer.step()

    return train


def clip_after_step__with_accelerate():
    model, (batches, _), ours = net(), loaders(), accelerator()
    model, optimizer, batches = ours.prepare(model, torch.optim.Adam(model.parameters(), lr=1e-2), batches)

    def train():
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                ours.backward(F.cross_entropy(model(x), y))
                optimizer.step()
                ours.clip_grad_norm_(model.parameters(), 0.5)  # fault

    return train


def grad_accum_not_divided__with_accelerate():
    model, (batches, _), ours = net(), loaders(4), accelerator(gradient_accumulation_steps=8)
    model, optimizer, batches = ours.prepare(model, torch.optim.SGD(model.parameters(), lr=4.0), batches)

    def train():
        for _ in range(5):
            for x, y in batches:
                with ours.accumulate(model):
                    F.mse_loss(model(x), F.one_hot(y, 4).float()).backward()  # fault
                    optimizer.step()
                    optimizer.zero_grad()

    return train


def optimizer_wrong_params__another_model_prepared():
    class Runner:
        def __init__(self):
            self.ours, old = accelerator(), net()
            self.model, self.batches = self.ours.prepare(net(), loaders()[0])
            self.optimizer = self.ours.prepare(torch.optim.Adam(old.parameters(), lr=1e-2))

        def fit(self):
            for _ in range(3):
                for x, y in self.batches:
                    self.optimizer.zero_grad()
                    self.ours.backward(F.cross_entropy(self.model(x), y))
                    self.optimizer.step()  # fault

    return Runner().fit


def scheduler_never_stepped__prepared():
    model, (batches, _), ours = net(), loaders(), accelerator()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    model, optimizer, batches, schedule = ours.prepare(model, optimizer, batches, schedule)

    def train():
        loss_fn = nn.CrossEntropyLoss()
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                ours.backward(loss_fn(model(x), y))
                optimizer.step()  # fault
            schedule.get_last_lr()

    return train
