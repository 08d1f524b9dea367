"""Loops with more than one model, optimizer or mode: adversaries, teachers, frozen parts, carried states, restarts on purpose."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional as F

from .program import Program, accuracy, loaders, net


def generator_and_discriminator() -> Program:
    torch.manual_seed(0)
    maker = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 16))
    judge = nn.Sequential(nn.Linear(16, 16), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Linear(16, 1))
    making, judging = (torch.optim.Adam(m.parameters(), lr=2e-3, betas=(0.5, 0.999)) for m in (maker, judge))
    train, _ = loaders()
    loss_fn = nn.BCEWithLogitsLoss()

    def run():
        for _ in range(4):
            for x, _ in train:
                ones, zeros = torch.ones(len(x), 1), torch.zeros(len(x), 1)
                made = maker(torch.randn(len(x), 4))
                judging.zero_grad()
                loss_fn(judge(x), ones).backward()
                loss_fn(judge(made.detach()), zeros).backward()
                judging.step()
                making.zero_grad()
                loss_fn(judge(made), ones).backward()
                making.step()

    return Program(run, (maker, judge))


def generator_first() -> Program:
    torch.manual_seed(0)
    maker, judge = nn.Linear(4, 16), nn.Sequential(nn.Linear(16, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    making, judging = (torch.optim.Adam(m.parameters(), lr=2e-3) for m in (maker, judge))
    train, _ = loaders()

    def run():
        for _ in range(4):
            for x, _ in train:
                made = maker(torch.randn(len(x), 4))
                making.zero_grad()
                F.softplus(-judge(made)).mean().backward()
                making.step()
                judging.zero_grad()
                (F.softplus(-judge(x)).mean() + F.softplus(judge(made.detach())).mean()).backward()
                judging.step()

    return Program(run, (maker, judge))


def critic_five_times() -> Program:
    torch.manual_seed(0)
    maker, critic = nn.Linear(4, 16), nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    making, judging = (torch.optim.RMSprop(m.parameters(), lr=5e-4) for m in (maker, critic))
    train, _ = loaders()

    def run():
        for _ in range(3):
            for number, (x, _) in enumerate(train):
                judging.zero_grad()
                with torch.no_grad():
                    made = maker(torch.randn(len(x), 4))
                (critic(made).mean() - critic(x).mean()).backward()
                judging.step()
                for p in critic.parameters():
                    p.data.clamp_(-0.1, 0.1)
                if number % 5 == 4:
                    making.zero_grad()
                    (-critic(maker(torch.randn(len(x), 4))).mean()).backward()
                    making.step()

    return Program(run, (maker, critic))


def teacher_that_follows() -> Program:
    student, (train, val) = net(dropout=0.2), loaders()
    teacher = copy.deepcopy(student).requires_grad_(False)
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            student.train()
            for x, y in train:
                with torch.no_grad():
                    target = teacher(x + 0.1 * torch.randn_like(x)).softmax(1)
                out = student(x)
                loss = F.cross_entropy(out, y) + F.mse_loss(out.softmax(1), target)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                with torch.no_grad():
                    for p, q in zip(teacher.parameters(), student.parameters(), strict=True):
                        p.lerp_(q, 0.05)
            accuracy(teacher, val)

    return Program(run, (student, teacher))


def frozen_trunk_in_evaluation_mode() -> Program:
    model, (train, val) = net(norm=True), loaders()
    model[:2].requires_grad_(False)
    optimizer = torch.optim.Adam(model[3].parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            model.train()
            model[1].eval()
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            accuracy(model, val)

    return Program(run, (model,))


def first_the_head_then_all() -> Program:
    """A second optimizer takes over once, when the trunk is thawed."""
    model, (train, _) = net(), loaders()

    def run():
        for frozen in (True, False):
            model[0].requires_grad_(not frozen)
            optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
            for _ in range(2):
                for x, y in train:
                    optimizer.zero_grad()
                    F.cross_entropy(model(x), y).backward()
                    optimizer.step()

    return Program(run, (model,))


def several_seeds_one_after_the_other() -> Program:
    """A model and an optimizer for each run, as in a comparison of seeds."""
    train, val = loaders()
    models = [net(dropout=0.1) for _ in range(3)]

    def run():
        for model in models:
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
            for _ in range(2):
                model.train()
                for x, y in train:
                    optimizer.zero_grad()
                    F.cross_entropy(model(x), y).backward()
                    optimizer.step()
            accuracy(model, val)

    return Program(run, tuple(models))


def state_carried_on_detached() -> Program:
    torch.manual_seed(0)
    cell, head = nn.GRU(4, 12, batch_first=True), nn.Linear(12, 4)
    optimizer = torch.optim.Adam([*cell.parameters(), *head.parameters()], lr=1e-2)
    stream = torch.randint(0, 4, (8, 201))

    def run():
        for _ in range(2):
            state = None
            for at in range(0, 200, 10):
                seen, after = F.one_hot(stream[:, at : at + 10], 4).float(), stream[:, at + 1 : at + 11]
                out, state = cell(seen, None if state is None else state.detach())
                loss = F.cross_entropy(head(out).flatten(0, 1), after.flatten())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return Program(run, (cell, head))


def dropout_on_at_test_time() -> Program:
    """Monte-Carlo dropout: the spread of many passes in training mode, without gradients, is the answer."""
    model, (train, val) = net(dropout=0.3), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
        model.train()
        with torch.no_grad():
            for x, _ in val:
                torch.stack([model(x).softmax(1) for _ in range(8)]).std(0)

    return Program(run, (model,))


def statistics_collected_anew() -> Program:
    """Batch norm's averages are collected again over the training data, as after an averaging of weights."""
    model, (train, val) = net(norm=True), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    mean = torch.optim.swa_utils.AveragedModel(model)

    def run():
        for _ in range(3):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            mean.update_parameters(model)
        torch.optim.swa_utils.update_bn(train, mean)
        accuracy(mean, val)

    return Program(run, (model, mean))


def policy_gradient() -> Program:
    """Actions are drawn without gradients in training mode, then learnt from."""
    torch.manual_seed(0)
    policy = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)

    def run():
        for _ in range(30):
            states = torch.randn(32, 4)
            with torch.no_grad():
                actions = torch.distributions.Categorical(logits=policy(states)).sample()
            reward = (actions == states[:, :3].argmax(1)).float()
            loss = -(torch.distributions.Categorical(logits=policy(states)).log_prob(actions) * (reward - reward.mean())).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return Program(run, (policy,))
