"""Loops that do something unusual with gradients on purpose: accumulate, clip, scale, take several passes a step, or none."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .program import Program, loaders, net


def accumulated_over_four() -> Program:
    model, (train, _) = net(), loaders(size=8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            optimizer.zero_grad()
            for number, (x, y) in enumerate(train, 1):
                (F.cross_entropy(model(x), y) / 4).backward()
                if number % 4 == 0 or number == len(train):
                    optimizer.step()
                    optimizer.zero_grad()

    return Program(run, (model,))


def accumulated_without_a_division() -> Program:
    """A sum over two batches with a rate that was tuned for it."""
    model, (train, _) = net(), loaders(size=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            for number, (x, y) in enumerate(train):
                if number % 2 == 0:
                    optimizer.zero_grad()
                F.cross_entropy(model(x), y, reduction="sum").backward()
                if number % 2 == 1:
                    optimizer.step()

    return Program(run, (model,))


def clipped_by_norm() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
                optimizer.step()

    return Program(run, (model,))


def clipped_by_value() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                nn.utils.clip_grad_value_(model.parameters(), 0.05)
                optimizer.step()

    return Program(run, (model,))


def norm_logged_after_the_step() -> Program:
    """Clipping to infinity is a way to read the norm."""
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
                nn.utils.clip_grad_norm_(model.parameters(), float("inf"))

    return Program(run, (model,))


def two_losses_two_passes() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                hidden = model[:2](x)
                F.cross_entropy(model[2](hidden), y).backward(retain_graph=True)
                (1e-3 * hidden.square().mean()).backward()
                optimizer.step()

    return Program(run, (model,))


def scaler_switched_off() -> Program:
    model, (train, _) = net(), loaders()
    optimizer, scaler = torch.optim.Adam(model.parameters(), lr=1e-2), torch.amp.GradScaler("cpu", enabled=False)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    loss = F.cross_entropy(model(x), y)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()

    return Program(run, (model,))


def scaled_unscaled_and_clipped() -> Program:
    model, (train, _) = net(), loaders()
    optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu", init_scale=2.0**10)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad(set_to_none=True)
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    loss = F.cross_entropy(model(x), y)
                scaler.scale(loss).backward()
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                scaler.step(optimizer)
                scaler.update()

    return Program(run, (model,))


def lbfgs_with_a_closure() -> Program:
    model, (train, _) = net(), loaders()
    x, y = train.dataset.tensors
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)

    def run():
        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        for _ in range(8):
            optimizer.step(closure)

    return Program(run, (model,))


def updated_by_hand() -> Program:
    model, (train, _) = net(), loaders()

    def run():
        for _ in range(4):
            for x, y in train:
                model.zero_grad()
                F.cross_entropy(model(x), y).backward()
                with torch.no_grad():
                    for p in model.parameters():
                        p -= 0.1 * p.grad

    return Program(run, (model,))


def updated_by_hand_through_data() -> Program:
    model, (train, _) = net(), loaders()

    def run():
        for _ in range(4):
            for x, y in train:
                grads = torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))
                for p, g in zip(model.parameters(), grads, strict=True):
                    p.data.add_(g, alpha=-0.1)

    return Program(run, (model,))


def adversarial_examples() -> Program:
    """A pass for the inputs' gradient, which fills the weights' too; they are cleared before the pass that trains."""
    model, (train, _) = net(dropout=0.2), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in train:
                model.eval()
                probe = x.clone().requires_grad_()
                F.cross_entropy(model(probe), y).backward()
                model.train()
                optimizer.zero_grad()
                F.cross_entropy(model(x + 0.05 * probe.grad.sign()), y).backward()
                optimizer.step()

    return Program(run, (model,))


def sharpness_aware() -> Program:
    """Two passes a step: the first finds where the loss is worst nearby, and its gradient is cleared."""
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def run():
        for _ in range(3):
            for x, y in train:
                F.cross_entropy(model(x), y).backward()
                moves = [0.05 * p.grad / (p.grad.norm() + 1e-12) for p in model.parameters()]
                with torch.no_grad():
                    for p, move in zip(model.parameters(), moves, strict=True):
                        p.add_(move)
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                with torch.no_grad():
                    for p, move in zip(model.parameters(), moves, strict=True):
                        p.sub_(move)
                optimizer.step()
                optimizer.zero_grad()

    return Program(run, (model,))


def importance_of_each_weight() -> Program:
    """Squared gradients over the data, with an optimizer at hand that is not to step."""
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        model.eval()
        total = [torch.zeros_like(p) for p in model.parameters()]
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            total = [t + p.grad.square() for t, p in zip(total, model.parameters(), strict=True)]

    return Program(run, (model,))
