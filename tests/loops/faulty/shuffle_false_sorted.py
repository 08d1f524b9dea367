from __future__ import annotations

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from dldebug_magics.checks.small_data import groups

from ..healthy.program import accuracy, loaders, net


def in_a_plain_loop():
    points, labels = groups(200)
    order = labels.argsort()
    train = DataLoader(TensorDataset(points[order], labels[order]), batch_size=10)
    model, (_, val) = net(), loaders()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        for x, y in train:  # fault
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        accuracy(model, val)


class _Folders(Dataset):
    """One class after the other, as directories are listed."""

    def __init__(self):
        points, labels = groups(160)
        self.files = sorted(zip(labels.tolist(), points, strict=True), key=lambda pair: pair[0])

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        label, point = self.files[index]
        return {"inputs": point, "label": label}


def of_folders_in_a_function():
    model, train = net(norm=True), DataLoader(_Folders(), batch_size=16, shuffle=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    def epoch():
        for batch in train:  # fault
            loss = F.cross_entropy(model(batch["inputs"]), batch["label"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    for _ in range(3):
        epoch()
