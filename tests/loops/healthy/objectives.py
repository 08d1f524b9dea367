"""Losses that look wrong and are meant so: negative ones, stopped gradients, graphs that are kept, tables of pairs, plain outputs."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .program import Program, loaders, net


def judge_and_maker_on_one_graph() -> Program:
    torch.manual_seed(0)
    maker, judge = nn.Linear(4, 16), nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    making, judging = (torch.optim.SGD(m.parameters(), lr=1e-2) for m in (maker, judge))
    train, _ = loaders()

    def run():
        for _ in range(3):
            for x, _ in train:
                made = maker(torch.randn(len(x), 4))
                fooled = F.softplus(-judge(made)).mean()
                told = F.softplus(-judge(x)).mean() + F.softplus(judge(made.detach())).mean()
                making.zero_grad()
                fooled.backward(retain_graph=True)
                judging.zero_grad()
                told.backward(retain_graph=True)
                making.step()
                judging.step()

    return Program(run, (maker, judge))


def likelihood_of_a_density() -> Program:
    """The loss of a density may be below zero, and falls there."""
    torch.manual_seed(0)
    model, (train, _) = nn.Linear(16, 2), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            for x, _ in train:
                mean, spread = model(x).unbind(1)
                loss = -torch.distributions.Normal(mean, spread.exp()).log_prob(0.01 * x[:, 0]).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return Program(run, (model,))


def entropy_as_a_bonus() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            for x, y in train:
                log_p = model(x).log_softmax(1)
                loss = F.nll_loss(log_p, y) - 0.01 * -(log_p.exp() * log_p).sum(1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return Program(run, (model,))


def likelihood_that_is_maximised() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, maximize=True)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                model(x).log_softmax(1).gather(1, y[:, None]).mean().backward()
                optimizer.step()

    return Program(run, (model,))


def pictures_of_classes_over_places() -> Program:
    """Classes on axis 1 of three; log_softmax over the last axis, then moved there."""
    torch.manual_seed(0)
    model, (train, _) = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 4)), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in train:
                log_p = model(x.view(-1, 4, 4)).log_softmax(-1)
                loss = F.nll_loss(log_p.transpose(1, 2), y[:, None].expand(-1, 4))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return Program(run, (model,))


def straight_through() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in train:
                soft = model(x).softmax(1)
                hard = soft + (F.one_hot(soft.argmax(1), 4) - soft).detach()
                loss = F.mse_loss(hard, F.one_hot(y, 4).float())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return Program(run, (model,))


def losses_added_up_before_one_pass() -> Program:
    model, (train, _) = net(), loaders(size=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            total, smooth = 0.0, None
            for number, (x, y) in enumerate(train, 1):
                total = total + F.cross_entropy(model(x), y)
                if number % 4 == 0:
                    optimizer.zero_grad()
                    (total / 4).backward()
                    optimizer.step()
                    smooth = total.item() if smooth is None else 0.9 * smooth + 0.1 * total.item()
                    total = 0.0

    return Program(run, (model,))


def warm_up_from_zero_asked_first() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1.0, k / 20))

    def run():
        for _ in range(4):
            for x, y in train:
                schedule.step()
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def head_alone_without_a_freeze() -> Program:
    """Random features in front are left out of the optimizer, and get gradients for nothing."""
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model[2].parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def sums_at_a_rate_for_sums() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=5e-3)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y, reduction="sum").backward()
                optimizer.step()

    return Program(run, (model,))


def folds_with_models_of_their_own() -> Program:
    train, val = loaders()
    models = [net() for _ in range(3)]

    def run():
        for fold, model in enumerate(models):
            own = torch.utils.data.Subset(train.dataset, range(fold * 32, 160))
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
            for x, y in torch.utils.data.DataLoader(own, batch_size=16, shuffle=True):
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            with torch.no_grad():
                [model(x) for x, _ in val]

    return Program(run, tuple(models))
