"""Loops in the styles of libraries and papers: trainers with callbacks, folds, tasks, clients, inner loops, views, checkpoints."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Subset, TensorDataset

from dldebug_magics.checks.small_data import groups

from .program import Program, accuracy, loaders, net


def trainer_with_callbacks() -> Program:
    """The shape of a library's trainer: its own methods call the user's, and modes are set by it."""

    class Trainer:
        def __init__(self, model, optimizer, schedule, callbacks):
            self.model, self.optimizer, self.schedule, self.callbacks = model, optimizer, schedule, callbacks
            self.state = {"step": 0, "loss": 0.0}

        def training_step(self, batch):
            return F.cross_entropy(self.model(batch[0]), batch[1])

        def fit(self, train, val, epochs):
            for _ in range(epochs):
                self.model.train()
                for batch in train:
                    loss = self.training_step(batch)
                    loss.backward()
                    nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                    self.optimizer.step()
                    self.schedule.step()
                    self.optimizer.zero_grad()
                    self.state["step"] += 1
                    self.state["loss"] += loss.detach()
                self.model.eval()
                with torch.no_grad():
                    scores = [self.training_step(batch) for batch in val]
                for callback in self.callbacks:
                    callback(self.state, torch.stack(scores).mean())

    model, (train, val) = net(dropout=0.1), loaders()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    total = 4 * len(train)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1.0, k / 5) * max(0.0, (total - k) / total))
    return Program(lambda: Trainer(model, optimizer, schedule, [lambda *_: None]).fit(train, val, 4), (model,))


def cross_validation() -> Program:
    """A new model and a new optimizer for each fold."""
    data, models = TensorDataset(*groups(120)), [net(dropout=0.1) for _ in range(4)]

    def run():
        for fold, model in enumerate(models):
            held = torch.arange(120) % 4 == fold
            train = DataLoader(Subset(data, (~held).nonzero().flatten().tolist()), batch_size=15, shuffle=True)
            val = DataLoader(Subset(data, held.nonzero().flatten().tolist()), batch_size=30)
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            accuracy(model, val)

    return Program(run, tuple(models))


def one_task_after_the_other() -> Program:
    """A new optimizer for each task, one epoch each, for the same model."""
    model = net()
    tasks = [DataLoader(TensorDataset(*groups(80, seed=seed)), batch_size=16, shuffle=True) for seed in range(5)]

    def run():
        for task in tasks:
            optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
            for x, y in task:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def clients_in_turn() -> Program:
    """Federated averaging with one local model, which gets the global weights before each client's epoch."""
    shared, local, (train, _) = net(), net(), loaders()

    def run():
        for _ in range(2):
            sums = None
            for _ in range(3):
                local.load_state_dict(shared.state_dict())
                optimizer = torch.optim.SGD(local.parameters(), lr=0.1, momentum=0.9)
                for x, y in train:
                    optimizer.zero_grad()
                    F.cross_entropy(local(x), y).backward()
                    optimizer.step()
                now = [p.detach().clone() for p in local.parameters()]
                sums = now if sums is None else [a + b for a, b in zip(sums, now, strict=True)]
            with torch.no_grad():
                for p, total in zip(shared.parameters(), sums, strict=True):
                    p.copy_(total / 3)

    return Program(run, (shared, local))


def inner_and_outer_loop() -> Program:
    """First-order meta-learning: copies are trained by optimizers of their own, their gradients go to the outer model by hand."""
    model, (train, _) = net(), loaders()
    outer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def run():
        for _ in range(2):
            for x, y in train:
                inner = copy.deepcopy(model)
                optimizer = torch.optim.SGD(inner.parameters(), lr=0.05)
                for _ in range(2):
                    optimizer.zero_grad()
                    F.cross_entropy(inner(x[:8]), y[:8]).backward()
                    optimizer.step()
                gradients = torch.autograd.grad(F.cross_entropy(inner(x[8:]), y[8:]), list(inner.parameters()))
                for p, g in zip(model.parameters(), gradients, strict=True):
                    p.grad = g.clone()
                outer.step()

    return Program(run, (model,))


def gradient_penalty() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    def run():
        for _ in range(3):
            for x, y in train:
                x = x.clone().requires_grad_()
                loss = F.cross_entropy(model(x), y)
                (slope,) = torch.autograd.grad(loss, x, create_graph=True)
                optimizer.zero_grad()
                (loss + 0.1 * slope.square().sum(1).mean()).backward()
                optimizer.step()

    return Program(run, (model,))


def two_views_and_a_slow_twin() -> Program:
    """Self-supervision: a target network without gradients in training mode, following by hand."""
    online = net(norm=True)
    target, head, (train, _) = copy.deepcopy(online).requires_grad_(False), nn.Linear(4, 4), loaders()
    optimizer = torch.optim.Adam([*online.parameters(), *head.parameters()], lr=1e-2)

    def run():
        for _ in range(3):
            for x, _ in train:
                one, other = x + 0.1 * torch.randn_like(x), x + 0.1 * torch.randn_like(x)
                with torch.no_grad():
                    goals = target(one), target(other)
                seen = head(online(other)), head(online(one))
                loss = sum(-F.cosine_similarity(a, b).mean() for a, b in zip(seen, goals, strict=True))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                with torch.no_grad():
                    for p, q in zip(target.parameters(), online.parameters(), strict=True):
                        p.lerp_(q, 0.05)

    return Program(run, (online, target))


def layers_run_again_in_the_backward_pass() -> Program:
    model, (train, _) = net(dropout=0.2), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in train:
                optimizer.zero_grad()
                hidden = checkpoint(model[:3], x, use_reentrant=False)
                F.cross_entropy(model[3](hidden), y).backward()
                optimizer.step()

    return Program(run, (model,))


def endless_batches() -> Program:
    """Steps are counted, not epochs: one iterator, begun again where it ends."""
    model, (train, val) = net(norm=True), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        batches = itertools.chain.from_iterable(itertools.repeat(train))
        for step in range(60):
            model.train()
            x, y = next(batches)
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            if step % 20 == 19:
                accuracy(model, val)

    return Program(run, (model,))


def fine_tuned_in_evaluation_mode() -> Program:
    """Batch norm keeps the statistics of its pre-training throughout, on purpose."""
    model, (train, val) = net(norm=True), loaders()
    [model(x) for x, _ in train]

    def run():
        model.eval()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            accuracy(model, val)

    return Program(run, (model,))


def samples_drawn_between_epochs() -> Program:
    """A generator in training mode makes pictures for the log, from noise."""
    torch.manual_seed(0)
    maker = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 16))
    judge = nn.Sequential(nn.Linear(16, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    making, judging = (torch.optim.Adam(m.parameters(), lr=2e-3) for m in (maker, judge))
    (train, _), noise = loaders(), torch.randn(8, 4)

    def run():
        for _ in range(4):
            for x, _ in train:
                made = maker(torch.randn(len(x), 4))
                judging.zero_grad()
                (F.softplus(-judge(x)).mean() + F.softplus(judge(made.detach())).mean()).backward()
                judging.step()
                making.zero_grad()
                F.softplus(-judge(made)).mean().backward()
                making.step()
            with torch.no_grad():
                maker(noise)

    return Program(run, (maker, judge))


def rate_found_by_a_range_test() -> Program:
    """The weights go back to where they were; then training begins."""
    model, (train, val) = net(), loaders()

    def run():
        saved = copy.deepcopy(model.state_dict())
        probe = torch.optim.SGD(model.parameters(), lr=1e-5)
        schedule = torch.optim.lr_scheduler.ExponentialLR(probe, gamma=2.0)
        for x, y in train:
            probe.zero_grad()
            F.cross_entropy(model(x), y).backward()
            probe.step()
            schedule.step()
        model.load_state_dict(saved)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            accuracy(model, val)

    return Program(run, (model,))


def saliency_of_a_trained_model() -> Program:
    """No training at all: gradients are wanted for the inputs."""
    model, (train, _) = net(dropout=0.2), loaders()

    def run():
        model.eval()
        for x, y in train:
            model.zero_grad()
            x = x.clone().requires_grad_()
            model(x).gather(1, y[:, None]).sum().backward()
            x.grad.abs().mean()

    return Program(run, (model,))


def evaluation_alone() -> Program:
    model, (train, val) = net(dropout=0.2), loaders()
    return Program(lambda: [accuracy(model, loader) for loader in (train, val)], (model,))


def one_batch_by_heart() -> Program:
    """The guide's own test: the same batch again and again."""
    model, (train, _) = net(), loaders()

    def run():
        x, y = next(iter(train))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(80):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()

    return Program(run, (model,))
