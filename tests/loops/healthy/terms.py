"""Losses of several terms of different size, as they are meant: penalties, small weights, adversaries, features, solved parts."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .program import Program, loaders, net


def _trained(modules, objective, rate=5e-3, epochs=6) -> Program:
    train, _ = loaders()
    optimizer = torch.optim.Adam([p for module in modules for p in module.parameters() if p.requires_grad], lr=rate)

    def run():
        for _ in range(epochs):
            for x, y in train:
                optimizer.zero_grad()
                objective(x, y).backward()
                optimizer.step()

    return Program(run, tuple(modules))


def code_with_a_small_beta() -> Program:
    torch.manual_seed(0)
    encode, decode = nn.Linear(16, 8), nn.Linear(4, 16)

    def objective(x, y):
        mean, spread = encode(x).chunk(2, 1)
        out = decode(mean + torch.randn_like(mean) * (spread / 2).exp())
        divergence = 0.5 * (mean.square() + spread.exp() - spread - 1).sum(1).mean()
        return F.mse_loss(out, x) + 1e-4 * divergence

    return _trained([encode, decode], objective)


def weights_kept_small() -> Program:
    model = net()

    def objective(x, y):
        penalty = sum(p.square().sum() for p in model.parameters())
        return F.cross_entropy(model(x), y) + 1e-6 * penalty

    return _trained([model], objective)


def weights_kept_near_where_they_were() -> Program:
    """A squared distance to the weights before, with a small weight, that only grows."""
    model = net()
    before = [p.detach().clone() for p in model.parameters()]

    def objective(x, y):
        distance = sum(F.mse_loss(p, old, reduction="sum") for p, old in zip(model.parameters(), before, strict=True))
        return F.cross_entropy(model(x), y, reduction="sum") + 1e-3 * distance

    return _trained([model], objective)


def an_auxiliary_head() -> Program:
    model, head = net(), nn.Linear(24, 4)

    def objective(x, y):
        hidden = model[:2](x)
        return F.cross_entropy(model[2](hidden), y) + 0.01 * F.cross_entropy(head(hidden), y)

    return _trained([model, head], objective)


def likeness_and_an_adversary() -> Program:
    """A judge that stays undecided, and a likeness that counts a hundred times as much."""
    torch.manual_seed(0)
    maker, judge = nn.Linear(16, 16), nn.Linear(16, 1)
    train, _ = loaders()
    making, judging = (torch.optim.Adam(m.parameters(), lr=1e-3) for m in (maker, judge))

    def run():
        for _ in range(6):
            for x, _ in train:
                made, real = maker(x), x
                told = F.binary_cross_entropy_with_logits(judge(made.detach()), torch.zeros(len(x), 1))
                told = told + F.binary_cross_entropy_with_logits(judge(real), torch.ones(len(x), 1))
                judging.zero_grad()
                told.backward()
                judging.step()
                loss = F.binary_cross_entropy_with_logits(judge(made), torch.ones(len(x), 1)) + 100 * F.l1_loss(made, x)
                making.zero_grad()
                loss.backward()
                making.step()

    return Program(run, (maker, judge))


def likeness_of_features() -> Program:
    torch.manual_seed(0)
    maker, seer = nn.Linear(16, 16), nn.Sequential(nn.Linear(16, 32), nn.ReLU()).requires_grad_(False)

    def objective(x, y):
        made = maker(x)
        return F.mse_loss(made, x) + 0.01 * F.mse_loss(seer(made), seer(x))

    return _trained([maker, seer], objective)


def one_of_two_is_solved() -> Program:
    """A head that was trained before, and one that is new; the old one's loss has nowhere to fall."""
    torch.manual_seed(0)
    old, new = nn.Linear(16, 1), net()
    with torch.no_grad():
        old.weight.mul_(0.1), old.bias.fill_(1.0)

    def objective(x, y):
        known = F.binary_cross_entropy_with_logits(50 * old(x), torch.ones(len(x), 1))
        return known + F.cross_entropy(new(x), y)

    return _trained([old, new], objective)


def small_and_falling() -> Program:
    """A thousandth of the whole, and learnt all the same: its weights are its own."""
    torch.manual_seed(0)
    value, kind = nn.Linear(16, 1), net()

    def objective(x, y):
        return 100 * F.mse_loss(value(x)[:, 0], 50 * x.sum(1)) + F.cross_entropy(kind(x), y)

    return _trained([value, kind], objective, rate=1e-2)
