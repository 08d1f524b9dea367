"""Programs that look like a fault and are none, from the list of those that must stay silent: what the other files do not have."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from dldebug_magics.checks.small_data import groups

from .program import Program, accuracy, loaders, net


def _trained(modules, objective, epochs=3, rate=1e-2) -> Program:
    (train, _), weights = loaders(), {p for module in modules for p in module.parameters() if p.requires_grad}
    optimizer = torch.optim.Adam(sorted(weights, key=torch.numel), lr=rate)

    def run():
        for _ in range(epochs):
            for x, y in train:
                loss = objective(x, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return Program(run, tuple(modules))


def log_probabilities_into_a_cross_entropy() -> Program:
    """The log-softmax of a log-softmax is itself."""
    model = nn.Sequential(net(), nn.LogSoftmax(dim=1))
    return _trained([model], lambda x, y: F.cross_entropy(model(x), y))


def column_against_column() -> Program:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 1))
    return _trained([model], lambda x, y: F.mse_loss(model(x), y.float()[:, None] / 4))


def soft_and_smoothed_targets() -> Program:
    model = net()

    def objective(x, y):
        out, soft = model(x), 0.9 * F.one_hot(y, 4).float() + 0.025
        return F.cross_entropy(out, soft) + F.cross_entropy(out, y, label_smoothing=0.1)

    return _trained([model], objective)


def future_masked_by_minus_infinity() -> Program:
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.head = nn.Linear(4, 24), nn.Linear(8, 4)

        def forward(self, x):
            q, k, v = self.qkv(x.view(-1, 4, 4)).chunk(3, -1)
            table = (q @ k.transpose(1, 2) / math.sqrt(8)).masked_fill(torch.ones(4, 4).triu(1).bool(), -math.inf)
            return self.head((table.softmax(-1) @ v)[:, -1])

    torch.manual_seed(0)
    model = Attention()
    return _trained([model], lambda x, y: F.cross_entropy(model(x), y))


def gradient_turned_round_for_the_domain() -> Program:
    """The trunk is to leave the judge of domains in the dark: its gradient comes back with the other sign."""

    class Turned(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, gradient):
            return -0.1 * gradient

    torch.manual_seed(0)
    trunk, kind, domain = nn.Sequential(nn.Linear(16, 24), nn.ReLU()), nn.Linear(24, 4), nn.Linear(24, 2)

    def objective(x, y):
        hidden = trunk(x)
        return F.cross_entropy(kind(hidden), y) + F.cross_entropy(domain(Turned.apply(hidden)), (x[:, 0] > 0).long())

    return _trained([trunk, kind, domain], objective)


def one_matrix_for_both_ends() -> Program:
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.letters, self.middle, self.out = nn.Embedding(12, 8), nn.Linear(8, 8), nn.Linear(8, 12, bias=False)
            self.out.weight = self.letters.weight

        def forward(self, x):
            return self.out(torch.tanh(self.middle(self.letters(x))))

    torch.manual_seed(0)
    model, text = Tied(), torch.arange(480) % 12
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def run():
        for start in range(0, 468, 12):
            x, y = text[start : start + 12], text[start + 1 : start + 13]
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    return Program(run, (model,))


def rare_classes_drawn_more_often() -> Program:
    points, labels = groups(160)
    labels = torch.where(torch.arange(160) % 5 > 0, torch.zeros_like(labels), labels)
    shares = 1.0 / torch.bincount(labels, minlength=4).clamp(min=1)[labels]
    train = DataLoader(TensorDataset(points, labels), batch_size=16, sampler=WeightedRandomSampler(shares.tolist(), 160))
    model, val = net(), loaders()[1]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            accuracy(model, val)

    return Program(run, (model,))


def two_views_of_one_net_one_of_them_stopped() -> Program:
    """SimSiam: the same encoder gives the goal, without a gradient, and the negative similarity falls below zero."""
    torch.manual_seed(0)
    encoder, predictor = nn.Sequential(nn.Linear(16, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 8)), nn.Linear(8, 8)

    def objective(x, y):
        one, other = (encoder(x + 0.1 * torch.randn_like(x)) for _ in range(2))
        pairs = (predictor(one), other.detach()), (predictor(other), one.detach())
        return sum(-F.cosine_similarity(a, b).mean() / 2 for a, b in pairs)

    return _trained([encoder, predictor], objective)


def values_that_learn_from_a_target_network() -> Program:
    torch.manual_seed(0)
    values = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    target = copy.deepcopy(values).requires_grad_(False)
    optimizer = torch.optim.Adam(values.parameters(), lr=5e-3)

    def run():
        for step in range(60):
            state, action = torch.randn(32, 4), torch.randint(0, 3, (32,))
            reward, after = (action == state[:, :3].argmax(1)).float(), torch.randn(32, 4)
            with torch.no_grad():
                goal = reward + 0.9 * target(after).max(1).values
            loss = F.smooth_l1_loss(values(state).gather(1, action[:, None]).squeeze(1), goal)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 9:
                target.load_state_dict(values.state_dict())

    return Program(run, (values, target))
