from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset, random_split

from dldebug_magics.checks.small_data import groups

from ..healthy.program import net


def the_whole_set_after_the_split():
    data, model = TensorDataset(*groups(200)), net()
    _, val_set = random_split(data, [160, 40])
    train_loader, val_loader = DataLoader(data, batch_size=20, shuffle=True), DataLoader(val_set, batch_size=20)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        for x, y in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            sum((model(x).argmax(1) == y).sum() for x, y in val_loader)  # fault


def splits_that_overlap_in_a_class():
    class Trainer:
        def __init__(self, data):
            self.model, self.loss_fn = net(dropout=0.1), nn.CrossEntropyLoss()
            self.train_loader = DataLoader(Subset(data, range(0, 170)), batch_size=17, shuffle=True)
            self.test_loader = DataLoader(Subset(data, range(150, 200)), batch_size=25)
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)

        def fit(self):
            for _ in range(3):
                self.model.train()
                for x, y in self.train_loader:
                    loss = self.loss_fn(self.model(x), y)
                    self.optimizer.zero_grad()
                    loss.backward()
                    self.optimizer.step()
                self.evaluate()

        def evaluate(self):
            self.model.eval()
            with torch.inference_mode():
                for x, y in self.test_loader:
                    self.loss_fn(self.model(x), y)  # fault

    Trainer(TensorDataset(*groups(200))).fit()
