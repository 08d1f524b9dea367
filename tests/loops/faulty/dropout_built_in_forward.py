from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..healthy.program import accuracy, loaders, net


def in_a_plain_loop():
    class Thinned(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Linear(16, 24), nn.Linear(24, 4)

        def forward(self, x):
            hidden = torch.relu(self.body(x))
            return self.head(nn.Dropout(0.3)(hidden))  # fault

    model, (train, val) = Thinned(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        accuracy(model, val)


def in_a_part_and_functions():
    class Thinned(nn.Module):
        def forward(self, x):
            thin = nn.Dropout(0.1)
            return thin(x)  # fault

    model, (train, val) = nn.Sequential(Thinned(), net(norm=True)), loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def epoch():
        model.train()
        for x, y in train:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def validate():
        model.eval()
        with torch.inference_mode():
            return [F.cross_entropy(model(x), y).item() for x, y in val]

    for _ in range(3):
        epoch(), validate()
