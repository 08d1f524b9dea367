"""Loops that are fed what they can't learn from: the data are at fault, and the loop shows it."""

from __future__ import annotations

import random

import numpy
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from dldebug_magics.checks.small_data import groups

from .start import begun


class Readings(Dataset):
    """Points whose label is made up when they are read."""

    def __init__(self):
        self.points, _ = groups(120)

    def __len__(self):
        return 120

    def __getitem__(self, row):
        return {"x": self.points[row], "row": row, "y": random.randrange(4)}


def labels_redrawn__in_getitem():
    model, optimizer, _ = begun()
    train_loader = DataLoader(Readings(), batch_size=20, shuffle=True)

    def train():
        for _ in range(4):
            for batch in train_loader:  # fault
                optimizer.zero_grad()
                F.cross_entropy(model(batch["x"]), batch["y"]).backward()
                optimizer.step()

    return train


def labels_redrawn__shuffled_for_each_epoch():
    model, points, flags = nn.Linear(16, 1), groups(160)[0], torch.arange(160) % 2
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    data = TensorDataset(points, flags)

    def train():
        loader = DataLoader(data, batch_size=32)
        for _ in range(4):
            data.tensors = points, flags[torch.randperm(160)]
            for x, y in loader:  # fault
                loss = F.binary_cross_entropy_with_logits(model(x), y.float()[:, None])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return train


class Folder(Dataset):
    """A folder a class, as torchvision lists it."""

    def __init__(self, *names):
        points, labels = groups(160)
        self.classes = sorted(names)
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
        self.samples = [
            (x, self.class_to_idx[n]) for x, y in zip(points, labels, strict=True) if (n := ("cat", "cow", "dog", "elk")[y]) in names
        ]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, row):
        return self.samples[row]


def label_mapping_mismatch__a_folder_that_lacks_a_class():
    model, optimizer, _ = begun()
    train_loader = DataLoader(Folder("cat", "cow", "dog", "elk"), batch_size=16, shuffle=True)
    test_loader = DataLoader(Subset(Folder("cat", "dog", "elk"), range(40)), batch_size=20)

    def train():
        for _ in range(3):
            for x, y in train_loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
        with torch.inference_mode():
            for x, y in test_loader:  # fault
                (model(x).argmax(1) == y).float().mean()

    return train


def label_mapping_mismatch__counted_from_one():
    class Trainer:
        def __init__(self):
            self.model, self.optimizer, self.train_loader = begun()
            points, labels = groups(64, seed=5)
            self.val_loader = DataLoader(TensorDataset(points, labels + 1), batch_size=32)

        def fit(self):
            for _ in range(3):
                for x, y in self.train_loader:
                    self.optimizer.zero_grad()
                    F.cross_entropy(self.model(x), y).backward()
                    self.optimizer.step()
                with torch.no_grad():
                    self.right = sum((self.model(x).argmax(1) == y).sum() for x, y in self.val_loader)  # fault

    return Trainer().fit


class Jittered(Dataset):
    """Points with noise by a generator of the transform's own."""

    def __init__(self, transform):
        self.points, self.labels = groups(96)
        self.transform = transform

    def __len__(self):
        return 96

    def __getitem__(self, row):
        return self.transform(self.points[row]), self.labels[row]


class Jitter:
    def __init__(self):
        self.rng = random.Random(3)

    def __call__(self, x):
        return x * self._factor()

    def _factor(self):
        return self.rng.uniform(0.9, 1.1)


def worker_seed_duplication__in_a_transform():
    model, optimizer, _ = begun()
    loader = DataLoader(Jittered(Jitter()), batch_size=16, shuffle=True, num_workers=2)

    def train():
        for _ in range(2):
            for x, y in loader:  # fault
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return train


class Synthetic(Dataset):
    """Points made up when they are asked for."""

    def __len__(self):
        return 64

    def __getitem__(self, row):
        x = numpy.random.normal(size=16).astype("float32")
        return x, int(abs(x[:4]).argmax())


def fixed(worker):
    numpy.random.seed(0)


def worker_seed_duplication__all_seeded_alike():
    model, optimizer, _ = begun()
    loader = DataLoader(Synthetic(), batch_size=8, num_workers=2, worker_init_fn=fixed)

    def train():
        batches = iter(loader)  # fault
        while True:
            x, y = next(batches, (None, None))
            if x is None:
                break
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    return train
