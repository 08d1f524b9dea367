"""Loops whose numbers look ill and are not: large gradients, clipped growth, half precision, rates that fade at a minimum."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .program import Program, loaders, net


def _recurrent(gain: float, kind: str = "relu"):
    torch.manual_seed(0)
    recurrent, head = nn.RNN(4, 32, nonlinearity=kind, batch_first=True), nn.Linear(32, 3)
    nn.init.orthogonal_(recurrent.weight_hh_l0, gain)
    x = torch.randn(64, 40, 4)
    return recurrent, head, x, (x[:, -1, 0] > 0).long()


def recurrent_and_clipped() -> Program:
    """The gradient grows by orders of magnitude on its way back; clipping is the cure, and is there."""
    recurrent, head, x, y = _recurrent(1.8)
    weights = [*recurrent.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(weights, lr=0.05)

    def run():
        for _ in range(25):
            optimizer.zero_grad()
            F.cross_entropy(head(recurrent(x)[0][:, -1]), y).backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()

    return Program(run, (recurrent, head))


def recurrent_and_forgetful() -> Program:
    """Only the end of a long sequence counts: the gradient fades towards the beginning, and nothing is lost by that."""
    recurrent, head, x, y = _recurrent(0.4, "tanh")
    optimizer = torch.optim.Adam([*recurrent.parameters(), *head.parameters()], lr=1e-2)

    def run():
        for _ in range(40):
            optimizer.zero_grad()
            F.cross_entropy(head(recurrent(x)[0][:, -1]), y).backward()
            optimizer.step()

    return Program(run, (recurrent, head))


def heights_in_thousands() -> Program:
    """Gradients of a million, of one size on the way and in time, under an optimizer that does not mind."""
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)), torch.randn(64, 8)
    y = 5000 + 1000 * x[:, :1]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

    def run():
        for _ in range(60):
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()

    return Program(run, (model,))


def a_rare_batch_off_scale() -> Program:
    """One batch in ten is thirty times as large, and its gradient with it."""
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            for number, (x, y) in enumerate(train):
                optimizer.zero_grad()
                F.cross_entropy(model(30 * x if number == 7 else x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def settled_on_noisy_labels() -> Program:
    """All samples at once, to the minimum of a linear model on labels that are half chance: the gradient fades, as it should."""
    torch.manual_seed(0)
    model, x = nn.Linear(4, 2), torch.randn(80, 4)
    y = torch.where(torch.rand(80) < 0.6, (x[:, 0] > 0).long(), torch.randint(0, 2, (80,)))
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=5)

    def run():
        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        for _ in range(60):
            optimizer.step(closure)

    return Program(run, (model,))


def all_in_bfloat16() -> Program:
    model, (train, _) = net().to(torch.bfloat16), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x.bfloat16()), y).backward()
                optimizer.step()

    return Program(run, (model,))


def float16_and_a_scaler() -> Program:
    model, (train, _) = net(), loaders()
    optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu")

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                with torch.autocast("cpu", dtype=torch.float16):
                    loss = F.cross_entropy(model(x), y)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()

    return Program(run, (model,))


def float16_that_learns_without_a_scaler() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                with torch.autocast("cpu", dtype=torch.float16):
                    loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()

    return Program(run, (model,))
