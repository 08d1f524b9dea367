"""Loops whose pictures are changed, and what is known of them is not."""

from __future__ import annotations

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    """Pictures with a mask each, augmented when they are read."""

    def __init__(self, turn):
        numbers = torch.Generator().manual_seed(0)
        self.pictures, self.turn = torch.randn(40, 3, 6, 8, generator=numbers), turn
        self.masks = (self.pictures.sum(1, keepdim=True) > 1).float()

    def __len__(self):
        return 40

    def __getitem__(self, row):
        picture = self.pictures[row]
        return {"image": self.turn(picture) if random.random() < 0.5 else picture, "mask": self.masks[row], "name": row}


def _loop(turn):
    torch.manual_seed(0)
    model, loss_fn = nn.Conv2d(3, 1, 3, padding=1), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    return model, loss_fn, optimizer, DataLoader(Scans(turn), batch_size=10, shuffle=True)


def augmentation_label_mismatch__flipped():
    model, loss_fn, optimizer, loader = _loop(lambda picture: picture.flip(-1))

    def train():
        for _ in range(4):
            for batch in loader:  # fault
                loss = loss_fn(model(batch["image"]), batch["mask"])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return train


def augmentation_label_mismatch__upside_down():
    model, loss_fn, optimizer, loader = _loop(lambda picture: picture.flip(-2))

    def train():
        batches = iter(loader)
        for step in range(16):
            if step % 4 == 0:
                batches = iter(loader)  # fault
            batch = next(batches)
            optimizer.zero_grad()
            loss_fn(model(batch["image"])[:, 0], batch["mask"].squeeze(1)).backward()
            optimizer.step()

    return train
