"""Training on inputs that are made harder first: the pass that finds out how fills the weights' gradients, too, and is cleared away."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .program import Program, loaders, net


def _trained(harder) -> Program:
    model, (train, _) = net(dropout=0.1), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in train:
                change = harder(model, x, y)
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x + change), y)
                loss.backward()
                optimizer.step()

    return Program(run, (model,))


def adversarial_in_several_steps() -> Program:
    """Projected gradient descent (Madry et al., 2018): what asks for a gradient is the change, and not the input itself."""

    def harder(model, x, y):
        model.eval()
        change = torch.zeros_like(x).uniform_(-0.1, 0.1).requires_grad_()
        for _ in range(3):
            F.cross_entropy(model((x + change).clamp(-5, 5)), y).backward()
            change.data = (change + 0.05 * change.grad.sign()).clamp(-0.1, 0.1)
            change.grad.zero_()
        model.train()
        return change.detach()

    return _trained(harder)


def adversarial_without_labels() -> Program:
    """Virtual adversarial training (Miyato et al., 2018)."""

    def harder(model, x, y):
        with torch.no_grad():
            told = model(x).softmax(1)
        change = F.normalize(torch.randn_like(x)).requires_grad_()
        F.kl_div(model(x + 10 * change).log_softmax(1), told, reduction="batchmean").backward()
        model.zero_grad()
        return 0.1 * F.normalize(change.grad)

    return _trained(harder)


def adversarial_for_free() -> Program:
    """Each batch several times, weights and change together (Shafahi et al., 2019)."""
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def run():
        change = torch.zeros(16, 16, requires_grad=True)
        for _ in range(2):
            for x, y in train:
                for _ in range(3):
                    optimizer.zero_grad()
                    F.cross_entropy(model(x + change), y).backward()
                    optimizer.step()
                    change.data = (change + 0.02 * change.grad.sign()).clamp(-0.1, 0.1)
                    change.grad.zero_()

    return Program(run, (model,))
