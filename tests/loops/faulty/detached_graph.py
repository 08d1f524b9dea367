from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..healthy.program import loaders, net


def made_anew_from_its_value():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(2):
        for x, y in train:
            optimizer.zero_grad()
            loss = torch.tensor(F.cross_entropy(model(x), y).item(), requires_grad=True)
            loss.backward()  # fault
            optimizer.step()


def output_through_numpy():
    model, (train, _), loss_fn = net(), loaders(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for x, y in train:
            out = torch.from_numpy(model(x).detach().numpy())
            loss = loss_fn(out, y).requires_grad_()
            optimizer.zero_grad()
            loss.backward()  # fault
            optimizer.step()


def forward_without_gradients():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for x, y in train:
        optimizer.zero_grad()
        with torch.no_grad():
            out = model(x)
        loss = F.cross_entropy(out, y)
        try:
            loss.backward()  # fault
        except RuntimeError:
            continue
        optimizer.step()


def loss_on_the_classes():
    model, (train, _) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(2):
        for x, y in train:
            loss = F.mse_loss(model(x).argmax(1).float(), y.float())
            loss.requires_grad = True
            optimizer.zero_grad()
            loss.backward()  # fault
            optimizer.step()
