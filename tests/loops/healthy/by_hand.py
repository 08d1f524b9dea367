"""Loops that run backward passes to measure them, or to put a gradient of their own together from them; the passes are cleared away."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .program import Program, loaders, net


def _two_tasks(step) -> Program:
    torch.manual_seed(0)
    model, (train, _) = nn.ModuleDict({"trunk": nn.Linear(16, 24), "kind": nn.Linear(24, 4), "size": nn.Linear(24, 1)}), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    def run():
        for _ in range(3):
            for x, y in train:
                hidden = model["trunk"](x).relu()
                losses = F.cross_entropy(model["kind"](hidden), y), 0.1 * F.mse_loss(model["size"](hidden).squeeze(1), x.mean(1))
                step(model, optimizer, losses)

    return Program(run, (model,))


def norm_of_the_gradient_of_each_task() -> Program:
    def step(model, optimizer, losses):
        for loss in losses:
            optimizer.zero_grad()
            loss.backward(retain_graph=True)
            model["trunk"].weight.grad.norm().item()
        optimizer.zero_grad()
        sum(losses).backward()
        optimizer.step()

    return _two_tasks(step)


def gradients_that_do_not_fight() -> Program:
    """What one task's gradient has against the other's is taken away (PCGrad, Yu et al., 2020)."""

    def step(model, optimizer, losses):
        weights, rows = list(model.parameters()), []
        for loss in losses:
            optimizer.zero_grad()
            loss.backward(retain_graph=True)
            rows.append(torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in weights]))
        one, other = rows
        against = (one @ other).clamp(max=0)
        both = one - against * other / other.norm() ** 2 + other - against * one / one.norm() ** 2
        for p, part in zip(weights, both.split([p.numel() for p in weights]), strict=True):
            p.grad = part.view_as(p).clone()
        optimizer.step()

    return _two_tasks(step)


def gradient_of_each_sample_clipped() -> Program:
    """Differential privacy without a library."""
    model, (train, _) = net(), loaders(samples=48)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def run():
        for _ in range(3):
            for x, y in train:
                sums = [torch.zeros_like(p) for p in model.parameters()]
                for row in range(len(x)):
                    optimizer.zero_grad()
                    F.cross_entropy(model(x[row : row + 1]), y[row : row + 1]).backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    [total.add_(p.grad) for total, p in zip(sums, model.parameters(), strict=True)]
                for total, p in zip(sums, model.parameters(), strict=True):
                    p.grad = (total + 0.01 * torch.randn_like(total)) / len(x)
                optimizer.step()

    return Program(run, (model,))


def divided_before_the_step() -> Program:
    """Accumulated, and divided once, at a rate that suits the mean and not the sum."""
    model, (train, _) = net(), loaders(size=4)
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0)

    def run():
        for _ in range(4):
            for number, (x, y) in enumerate(train, 1):
                F.cross_entropy(model(x), y).backward()
                if number % 8 == 0:
                    [p.grad.div_(8) for p in model.parameters()]
                    optimizer.step()
                    optimizer.zero_grad()

    return Program(run, (model,))
