"""Each kind of schedule, stepped as it is meant to be."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedulers

from .program import Program, accuracy, loaders, net

_EPOCHS = 8


def _trained(make: Callable[[torch.optim.Optimizer, int], Any], each_batch: bool, measured: bool = False) -> Program:
    model, (train, val) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = make(optimizer, len(train))

    def run():
        for _ in range(_EPOCHS):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
                if each_batch:
                    schedule.step()
            score = accuracy(model, val)
            if not each_batch:
                schedule.step(*([score] if measured else []))

    return Program(run, (model,))


def steps_down_each_epoch() -> Program:
    return _trained(lambda o, n: schedulers.StepLR(o, step_size=3, gamma=0.5), each_batch=False)


def cosine_each_epoch() -> Program:
    return _trained(lambda o, n: schedulers.CosineAnnealingLR(o, T_max=_EPOCHS), each_batch=False)


def cosine_each_batch() -> Program:
    return _trained(lambda o, n: schedulers.CosineAnnealingLR(o, T_max=_EPOCHS * n), each_batch=True)


def one_cycle_each_batch() -> Program:
    return _trained(lambda o, n: schedulers.OneCycleLR(o, max_lr=0.2, epochs=_EPOCHS, steps_per_epoch=n), each_batch=True)


def warm_up_then_cosine_each_batch() -> Program:
    def make(o, n):
        warm = schedulers.LinearLR(o, 0.1, total_iters=n)
        return schedulers.SequentialLR(o, [warm, schedulers.CosineAnnealingLR(o, (_EPOCHS - 1) * n)], milestones=[n])

    return _trained(make, each_batch=True)


def linear_decay_each_batch() -> Program:
    return _trained(lambda o, n: schedulers.LambdaLR(o, lambda k: max(0.0, 1 - k / (_EPOCHS * n))), each_batch=True)


def restarts_each_batch() -> Program:
    return _trained(lambda o, n: schedulers.CosineAnnealingWarmRestarts(o, T_0=n), each_batch=True)


def exponential_each_epoch() -> Program:
    return _trained(lambda o, n: schedulers.ExponentialLR(o, gamma=0.9), each_batch=False)


def cyclic_each_batch() -> Program:
    return _trained(lambda o, n: schedulers.CyclicLR(o, 0.02, 0.2, step_size_up=n), each_batch=True)


def lowered_on_a_plateau() -> Program:
    return _trained(functools.partial(_plateau), each_batch=False, measured=True)


def _plateau(optimizer: torch.optim.Optimizer, batches: int) -> Any:
    return schedulers.ReduceLROnPlateau(optimizer, mode="max", patience=1)


def slow_decay_each_batch() -> Program:
    return _trained(lambda o, n: schedulers.ExponentialLR(o, gamma=0.99), each_batch=True)


def warm_up_and_inverse_root_each_batch() -> Program:
    return _trained(lambda o, n: schedulers.LambdaLR(o, lambda k: min((k + 1) / 10, (10 / (k + 1)) ** 0.5)), each_batch=True)


def polynomial_each_batch() -> Program:
    return _trained(lambda o, n: schedulers.PolynomialLR(o, total_iters=_EPOCHS * n, power=2.0), each_batch=True)


def milestones_each_epoch() -> Program:
    return _trained(lambda o, n: schedulers.MultiStepLR(o, milestones=[2, 4, 6], gamma=0.1), each_batch=False)
