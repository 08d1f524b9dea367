from __future__ import annotations

import copy

import torch
from torch.nn import functional as F

from ..healthy.program import loaders, net


def a_copy_made_before():
    model, (train, val) = net(norm=True), loaders()
    best = copy.deepcopy(model).eval()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            sum((best(x).argmax(1) == y).sum() for x, y in val)  # fault


def a_second_instance_in_functions():
    (train, val), model = loaders(), net(dropout=0.1)

    def fit(network):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        for _ in range(4):
            network.train()
            for x, y in train:
                loss = F.cross_entropy(network(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            validate()

    def validate():
        model.eval()
        with torch.inference_mode():
            return [F.cross_entropy(model(x), y).item() for x, y in val]  # fault

    fit(net(dropout=0.1))
