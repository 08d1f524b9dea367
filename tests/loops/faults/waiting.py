"""Loops that wait for their data: a slow collate in a plain loop, and slow samples behind a trainer's method."""

from __future__ import annotations

import time

from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset, default_collate

from dldebug_magics.checks.small_data import groups

from .start import begun


class Decoded(Dataset):
    """Each sample takes its time, as a picture does that is decoded."""

    def __init__(self):
        self.points, self.labels = groups(160)

    def __len__(self):
        return len(self.points)

    def __getitem__(self, row):
        time.sleep(0.004)
        return self.points[row], self.labels[row]


def loader_bottleneck__slow_samples_in_a_trainer():
    class Trainer:
        def __init__(self, model, optimizer):
            self.model, self.optimizer = model, optimizer

        def fit(self, batches, epochs):
            for _ in range(epochs):
                for x, y in batches:  # fault
                    self.optimizer.zero_grad()
                    F.cross_entropy(self.model(x), y).backward()
                    self.optimizer.step()

    model, optimizer, _ = begun()
    return lambda: Trainer(model, optimizer).fit(DataLoader(Decoded(), batch_size=16, shuffle=True), epochs=2)


def loader_bottleneck__slow_collate():
    model, optimizer, _ = begun()

    def padded(rows):
        time.sleep(0.04)
        return default_collate(rows)

    loader = DataLoader(TensorDataset(*groups(160)), batch_size=16, shuffle=True, collate_fn=padded)

    def train():
        for _ in range(2):
            for x, y in loader:  # fault
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return train
