"""Parts that rest and are meant to: frozen, without work, waiting for their turn, beginning at zero, following by hand."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .program import Program, accuracy, loaders, net


def _trained(model: nn.Module, optimizer: torch.optim.Optimizer, epochs: int = 3) -> Program:
    train, _ = loaders()

    def run():
        for _ in range(epochs):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def experts_without_work() -> Program:
    """Each sample goes to the one expert that the gate likes best; one of four is never liked, and is computed all the same."""

    class Mixture(nn.Module):
        def __init__(self):
            super().__init__()
            self.experts, self.gate = nn.ModuleList(nn.Linear(16, 4) for _ in range(4)), nn.Linear(16, 4)
            self.gate.bias.data[0] = -50.0

        def forward(self, x: Tensor) -> Tensor:
            shares = self.gate(x).softmax(1)
            chosen = F.one_hot(shares.argmax(1), 4) * shares
            return sum(chosen[:, [i]] * expert(x) for i, expert in enumerate(self.experts))

    torch.manual_seed(0)
    model = Mixture()
    return _trained(model, torch.optim.Adam(model.parameters(), lr=1e-2))


def an_output_that_is_not_asked_for() -> Program:
    """A second head that runs in every pass, and whose result is for another task."""

    class TwoHeads(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.spare, self.head = nn.Linear(16, 24), nn.Linear(24, 8), nn.Linear(24, 4)

        def forward(self, x: Tensor) -> Tensor:
            hidden = torch.relu(self.body(x))
            self.last = self.spare(hidden).detach()
            return self.head(hidden)

    torch.manual_seed(0)
    model = TwoHeads()
    return _trained(model, torch.optim.Adam(model.parameters(), lr=1e-2))


def adapters_that_begin_at_zero() -> Program:
    """Low rank beside a frozen layer: the factor that is zero moves in the first step, the other from the second on."""

    class Adapted(nn.Module):
        def __init__(self, plain: nn.Linear):
            super().__init__()
            self.plain, self.down, self.up = plain.requires_grad_(False), nn.Linear(24, 8, bias=False), nn.Linear(8, 4, bias=False)
            nn.init.zeros_(self.up.weight)

        def forward(self, x: Tensor) -> Tensor:
            return self.plain(x) + self.up(self.down(x))

    model = net()
    model[0].requires_grad_(False)
    model[2] = Adapted(model[2])
    return _trained(model, torch.optim.Adam(model.parameters(), lr=1e-2))


def branches_behind_a_gate_of_zero() -> Program:
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.gate = nn.Linear(24, 24), nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            return x + self.gate * torch.relu(self.inner(x))

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 24), *[Gated() for _ in range(6)], nn.Linear(24, 4))
    return _trained(model, torch.optim.SGD(model.parameters(), lr=0.05))


def trained_features_at_a_rate_of_zero() -> Program:
    """The first phase of a gradual thaw: the trained part's group waits with a rate of 0."""
    model, (train, _) = net(), loaders()
    before = torch.optim.Adam(model.parameters(), lr=1e-2)
    for x, y in [*train, *train, *train]:
        before.zero_grad()
        F.cross_entropy(model(x), y).backward()
        before.step()
    torch.manual_seed(1)
    model[2] = nn.Linear(24, 4)
    groups = [{"params": model[0].parameters(), "lr": 0.0}, {"params": model[2].parameters()}]
    return _trained(model, torch.optim.SGD(groups, lr=0.05))


def thawed_one_after_the_other() -> Program:
    model, (train, _) = net(), loaders()
    model[0].requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for epoch in range(4):
            if epoch == 2:
                model[0].requires_grad_(True)
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def a_teacher_within_the_student() -> Program:
    """The slow copy is part of the model, is held by its optimizer, and follows by hand; no gradient ever comes to it."""

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.teacher = net()
            self.student = copy.deepcopy(self.teacher)

        def forward(self, x: Tensor) -> Tensor:
            return F.mse_loss(self.student(x + 0.1 * torch.randn_like(x)), self.teacher(x).detach() + x[:, :4])

    model, (train, _) = Pair(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, _ in train:
                optimizer.zero_grad()
                model(x).backward()
                optimizer.step()
                with torch.no_grad():
                    for p, q in zip(model.teacher.parameters(), model.student.parameters(), strict=True):
                        p.lerp_(q, 0.05)

    return Program(run, (model,))


def rows_that_no_batch_reads() -> Program:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5000, 16), nn.Flatten(), nn.Linear(64, 4))
    optimizer, words = torch.optim.SGD(model.parameters(), lr=0.5), torch.randint(0, 9, (48, 4))

    def run():
        for _ in range(40):
            optimizer.zero_grad()
            F.cross_entropy(model(words), words[:, 0] % 4).backward()
            optimizer.step()

    return Program(run, (model,))


def judged_after_a_few_steps() -> Program:
    """Batch norm's statistics are on their way after ten steps: a note at most."""
    model, (train, val) = net(norm=True), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(10 * x), y).backward()
            optimizer.step()
        accuracy(model, val)

    return Program(run, (model,))


def a_last_batch_of_two() -> Program:
    model, (train, val) = net(norm=True), loaders(size=79)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            accuracy(model, val)

    return Program(run, (model,))


def a_judge_that_does_not_count_yet() -> Program:
    """The adversarial part of a loss has the weight 0 for the first epochs; its optimizer steps all the same."""
    torch.manual_seed(0)
    maker, judge, (train, _) = nn.Linear(16, 16), nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)), loaders()
    making, judging = (torch.optim.Adam(m.parameters(), lr=1e-2) for m in (maker, judge))

    def run():
        for epoch in range(3):
            weight = 0.0 if epoch < 5 else 1.0
            for x, _ in train:
                made = maker(x)
                making.zero_grad()
                (F.mse_loss(made, x) - weight * judge(made).mean()).backward()
                making.step()
                judging.zero_grad()
                (weight * (F.softplus(-judge(x)) + F.softplus(judge(made.detach()))).mean()).backward()
                judging.step()

    return Program(run, (maker, judge))
