"""Ordinary loops in different hands: where gradients are cleared, how validation is done, which scheduler is stepped when."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .program import Program, accuracy, loaders, net


def cleared_first() -> Program:
    model, (train, val) = net(norm=True, dropout=0.2), loaders()
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


def cleared_after_the_step() -> Program:
    model, (train, _) = net(), loaders()
    optimizer, loss_fn = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), nn.CrossEntropyLoss()

    def run():
        for _ in range(4):
            for x, y in train:
                loss = loss_fn(model(x), y)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad(set_to_none=False)

    return Program(run, (model,))


def cleared_between_forward_and_backward() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)

    def run():
        for _ in range(3):
            for x, y in train:
                loss = F.cross_entropy(model(x), y)
                model.zero_grad()
                loss.backward()
                optimizer.step()

    return Program(run, (model,))


def cleared_by_hand() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def run():
        for number in range(4):
            for x, y in train:
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
                for p in model.parameters():
                    if number % 2:
                        p.grad = None
                    else:
                        p.grad.data.zero_()

    return Program(run, (model,))


def whole_set_at_once() -> Program:
    model, (train, _) = net(), loaders()
    x, y = train.dataset.tensors
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(60):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()

    return Program(run, (model,))


def early_stopping_with_the_best_weights() -> Program:
    model, (train, val) = net(dropout=0.1), loaders()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def run():
        best, kept, patience = 0.0, None, 2
        for _ in range(12):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            now = accuracy(model, val)
            if now > best:
                best, kept, patience = now, {k: v.clone() for k, v in model.state_dict().items()}, 2
            else:
                patience -= 1
            if patience == 0:
                break
        model.load_state_dict(kept)

    return Program(run, (model,))


def validation_in_the_middle_of_an_epoch() -> Program:
    model, (train, val) = net(norm=True), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for number, (x, y) in enumerate(train):
                model.train()
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
                if number % 4 == 0:
                    accuracy(model, val)

    return Program(run, (model,))


def never_back_to_training_without_layers_that_know() -> Program:
    model, (train, val) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(4):
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            accuracy(model, val)

    return Program(run, (model,))


def training_accuracy_measured_on_the_way() -> Program:
    model, (train, val) = net(dropout=0.2), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        total = 0
        for _ in range(4):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                out = model(x)
                loss = F.cross_entropy(out, y)
                loss.backward()
                optimizer.step()
                total += loss.item()
                with torch.no_grad():
                    (out.argmax(1) == y).float().mean().item()
            model.eval()
            with torch.inference_mode():
                for x, y in val:
                    F.cross_entropy(model(x), y)

    return Program(run, (model,))


def a_batch_with_nan_is_left_out() -> Program:
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def run():
        for _ in range(4):
            for number, (x, y) in enumerate(train):
                loss = F.cross_entropy(model(x if number != 3 else x * torch.nan), y)
                optimizer.zero_grad()
                loss.backward()
                if torch.isfinite(loss):
                    optimizer.step()

    return Program(run, (model,))
