"""Gradients that are added up, clipped or scaled in the wrong way, and graphs that outlive their step."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .start import begun


def grad_accum_not_divided__plain():
    model, optimizer, loader = begun(rate=4.0, size=4)

    def train():
        for _ in range(5):
            optimizer.zero_grad()
            for number, (x, y) in enumerate(loader, 1):
                loss = F.mse_loss(model(x), F.one_hot(y, 4).float())
                loss.backward()  # fault
                if number % 8 == 0:
                    optimizer.step()
                    optimizer.zero_grad()

    return train


def grad_accum_not_divided__class():
    class Runner:
        def __init__(self, together):
            self.model, self.optimizer, self.loader = begun(rate=1.0, size=4, momentum=0.9)
            self.together, self.loss_fn = together, nn.MSELoss()

        def micro_step(self, x, y):
            loss = self.loss_fn(self.model(x), F.one_hot(y, 4).float())
            loss.backward()  # fault

        def fit(self):
            for _ in range(6):
                for number, (x, y) in enumerate(self.loader):
                    self.micro_step(x, y)
                    if (number + 1) % self.together == 0:
                        self.optimizer.step()
                        self.optimizer.zero_grad()

    return Runner(10).fit


def wrong_reduction__plain():
    model, optimizer, loader = begun(rate=0.5)
    loss_fn = nn.CrossEntropyLoss(reduction="sum")

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                loss = loss_fn(model(x), y)  # fault
                loss.backward()
                optimizer.step()

    return train


def wrong_reduction__by_hand():
    model, optimizer, loader = begun(rate=0.05, momentum=0.9)

    def objective(out, y):
        return ((out - F.one_hot(y, 4)) ** 2).sum()  # fault

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                objective(model(x), y).backward()
                optimizer.step()

    return train


def loss_history_leak__sum():
    model, optimizer, loader = begun()

    def train():
        for _ in range(3):
            epoch_loss = 0
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                epoch_loss += loss  # fault
            print(float(epoch_loss) / len(loader))

    return train


def loss_history_leak__list():
    model, optimizer, loader = begun()
    history = {"loss": []}

    def train():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                history["loss"].append(loss)  # fault

    return train


def loss_history_leak__trainer():
    class Trainer:
        def __init__(self):
            self.model, self.optimizer, self.loader = begun(kind=torch.optim.Adam, rate=1e-2)
            self.running = 0.0

        def step(self, x, y):
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            self.running = 0.9 * self.running + 0.1 * loss  # fault

        def fit(self):
            for _ in range(3):
                for x, y in self.loader:
                    self.step(x, y)

    return Trainer().fit


def retain_graph_leak__plain():
    model, optimizer, loader = begun()

    def train():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward(retain_graph=True)  # fault
                optimizer.step()

    return train


def retain_graph_leak__function():
    model, optimizer, loader = begun()

    def step(x, y):
        optimizer.zero_grad()
        torch.autograd.backward(F.cross_entropy(model(x), y), retain_graph=True)  # fault
        optimizer.step()

    return lambda: [step(x, y) for _ in range(3) for x, y in loader]


def double_backward_hidden_state__plain():
    torch.manual_seed(0)
    cell, head = nn.LSTM(4, 12, batch_first=True), nn.Linear(12, 4)
    optimizer = torch.optim.SGD([*cell.parameters(), *head.parameters()], lr=0.1)
    x, y = torch.randn(8, 60, 4), torch.randint(0, 4, (8,))

    def train():
        state = None
        for start in range(0, 60, 5):
            optimizer.zero_grad()
            out, state = cell(x[:, start : start + 5], state)  # fault
            loss = F.cross_entropy(head(out[:, -1]), y)
            loss.backward()
            optimizer.step()

    return train


def double_backward_hidden_state__kept_by_the_model():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head, self.memory = nn.GRU(4, 12, batch_first=True), nn.Linear(12, 4), None

        def forward(self, x):
            out, self.memory = self.cell(x, self.memory)  # fault
            return self.head(out[:, -1])

    torch.manual_seed(0)
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    x, y = torch.randn(8, 60, 4), torch.randint(0, 4, (8,))

    def train():
        for start in range(0, 60, 5):
            loss = F.cross_entropy(model(x[:, start : start + 5]), y)
            optimizer.zero_grad()
            loss.backward(retain_graph=True)
            optimizer.step()

    return train


def clip_before_backward__plain():
    model, optimizer, loader = begun(rate=0.5)

    def train():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)  # fault
                loss.backward()
                optimizer.step()

    return train


def clip_before_backward__function():
    model, optimizer, loader = begun(rate=0.5)

    def prepare():
        optimizer.zero_grad(set_to_none=False)
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.1)  # fault

    def train():
        for _ in range(3):
            for x, y in loader:
                prepare()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return train


def clip_before_unscale__plain():
    model, optimizer, loader = begun(rate=0.1)
    scaler = torch.amp.GradScaler("cpu")

    def train():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    loss = F.cross_entropy(model(x), y)
                scaler.scale(loss).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # fault
                scaler.step(optimizer)
                scaler.update()

    return train


def clip_before_unscale__unscaled_behind():
    model, optimizer, loader = begun(rate=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)

    def update(loss):
        scaler.scale(loss).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)  # fault
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()

    return lambda: [update(F.cross_entropy(model(x), y)) for _ in range(3) for x, y in loader]


def grad_clip_too_small__plain():
    model, optimizer, loader = begun(rate=0.1)

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1e-3)  # fault
                optimizer.step()

    return train


def grad_clip_too_small__momentum():
    model, optimizer, loader = begun(rate=0.05, momentum=0.9)

    def step(x, y, limit=1e-4):
        F.cross_entropy(model(x), y).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), limit)  # fault
        optimizer.step()
        optimizer.zero_grad()

    return lambda: [step(x, y) for _ in range(4) for x, y in loader]


def scaler_skips_every_step__plain():
    model, optimizer, loader = begun()
    scaler = torch.amp.GradScaler("cpu")

    def train():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                out = model(x)
                loss = F.cross_entropy(out, y) + (out - out.detach()).norm(dim=1).sqrt().mean()
                scaler.scale(loss).backward()
                scaler.step(optimizer)  # fault
                scaler.update()

    return train


def scaler_skips_every_step__class():
    class Runner:
        def __init__(self):
            self.model, self.optimizer, self.loader = begun(kind=torch.optim.AdamW, rate=1e-2)
            self.scaler = torch.amp.GradScaler("cpu")

        def update(self, loss):
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            self.scaler.step(self.optimizer)  # fault
            self.scaler.update()
            self.optimizer.zero_grad()

        def fit(self):
            for _ in range(3):
                for x, y in self.loader:
                    out = self.model(x)
                    self.update(F.cross_entropy(out, y) + 0.1 * (0 * out).abs().sqrt().mean())

    return Runner().fit
