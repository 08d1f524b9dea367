"""The wrong thing goes into the loss, or it comes out with the wrong sign."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .start import begun


def softmax_before_cross_entropy__plain():
    model, optimizer, loader = begun()
    loss_fn = nn.CrossEntropyLoss()

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                probabilities = F.softmax(model(x), dim=1)  # fault
                loss = loss_fn(probabilities, y)
                loss.backward()
                optimizer.step()

    return train


def softmax_before_cross_entropy__in_the_model():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = begun()[0]

        def forward(self, x):
            return self.body(x).softmax(-1)  # fault

    model, (_, _, loader) = Net(), begun()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        return loss.item()

    def train():
        return [sum(step(x, y) for x, y in loader) for _ in range(4)]

    return train


def sigmoid_before_bce_logits__plain():
    model, optimizer, loader = begun()
    loss_fn = nn.BCEWithLogitsLoss()

    def train():
        for _ in range(4):
            for x, y in loader:
                out = torch.sigmoid(model(x)[:, 0])  # fault
                loss = loss_fn(out, (y == 0).float())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return train


def sigmoid_before_bce_logits__class():
    class Runner:
        def __init__(self):
            self.model, self.optimizer, self.loader = begun(kind=torch.optim.Adam, rate=1e-2)
            self.squash = nn.Sigmoid()

        def loss(self, x, y):
            return F.binary_cross_entropy_with_logits(self.squash(self.model(x)), F.one_hot(y, 4).float())  # fault

        def fit(self):
            for _ in range(4):
                for x, y in self.loader:
                    self.optimizer.zero_grad()
                    self.loss(x, y).backward()
                    self.optimizer.step()

    runner = Runner()
    return runner.fit


def nll_without_log_softmax__plain():
    model, optimizer, loader = begun()
    loss_fn = nn.NLLLoss()

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                loss = loss_fn(model(x), y)  # fault
                loss.backward()
                optimizer.step()

    return train


def nll_without_log_softmax__function():
    model, optimizer, loader = begun(kind=torch.optim.Adam, rate=1e-2)

    def criterion(out, y):
        return F.nll_loss(out, y)  # fault

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad(set_to_none=False)
                criterion(model(x), y).backward()
                optimizer.step()

    return train


def softmax_with_nll__plain():
    model, optimizer, loader = begun()

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.nll_loss(model(x).softmax(dim=1), y)  # fault
                loss.backward()
                optimizer.step()

    return train


def softmax_with_nll__in_the_model():
    body, _, loader = begun()
    model = nn.Sequential(body, nn.Softmax(dim=1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                F.nll_loss(model(x), y).backward()  # fault
                optimizer.step()

    return train


def softmax_wrong_dim__plain():
    model, optimizer, loader = begun()

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                shares = model(x).log_softmax(0)  # fault
                loss = F.nll_loss(shares, y)
                loss.backward()
                optimizer.step()

    return train


def softmax_wrong_dim__logarithm_of_it():
    model, optimizer, loader = begun(kind=torch.optim.Adam, rate=1e-2)
    share = nn.Softmax(dim=0)

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.nll_loss(torch.log(share(model(x))), y)  # fault
                loss.backward()
                optimizer.step()

    return train


def loss_broadcast__plain():
    model, optimizer, loader = begun()

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                out = model(x)[:, :1]
                loss = (out - y.float()).pow(2).mean()  # fault
                loss.backward()
                optimizer.step()

    return train


def loss_broadcast__torchs_own():
    body, _, loader = begun()
    model, loss_fn = nn.Sequential(body, nn.Linear(4, 1)), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def fit(epochs):
        for _ in range(epochs):
            for x, y in loader:
                loss = loss_fn(model(x), y.float())  # fault
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return lambda: fit(4)


def loss_term_without_gradient__plain():
    model, optimizer, loader = begun()

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                out = model(x)
                wrong = (out.argmax(1) != y).float().mean()
                loss = F.cross_entropy(out, y) + wrong  # fault
                loss.backward()
                optimizer.step()

    return train


def loss_term_without_gradient__function():
    model, optimizer, loader = begun(kind=torch.optim.Adam, rate=1e-2)

    def objective(out, y):
        size = out.square().mean().item()
        return F.cross_entropy(out, y) + 0.1 * size  # fault

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                objective(model(x), y).backward()
                optimizer.step()

    return train


def flipped_loss_sign__plain():
    model, optimizer, loader = begun()

    def train():
        for _ in range(4):
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss = -loss  # fault
                loss.backward()
                optimizer.step()

    return train


def flipped_loss_sign__likelihood():
    model, optimizer, loader = begun(kind=torch.optim.Adam, rate=1e-2)

    def objective(out, y):
        log_p = torch.log_softmax(out, dim=-1)
        return log_p.gather(1, y[:, None]).mean()  # fault

    def train():
        for _ in range(4):
            for x, y in loader:
                loss = objective(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return train


def flipped_loss_sign__accumulated():
    model, optimizer, loader = begun(size=8)

    def train():
        for _ in range(4):
            for number, (x, y) in enumerate(loader, 1):
                loss = F.mse_loss(model(x), F.one_hot(y, 4).float()) * -1.0  # fault
                (loss / 2).backward()
                if number % 2 == 0:
                    optimizer.step()
                    optimizer.zero_grad()

    return train
