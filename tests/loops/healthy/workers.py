"""Loops whose workers draw as they should, though the code looks as if they did not."""

from __future__ import annotations

import random

import numpy
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, get_worker_info

from dldebug_magics.checks.small_data import groups

from .program import Program, net


class _Points(Dataset):
    def __init__(self):
        self.points, self.labels = groups(48)
        self.rng = numpy.random.default_rng(0)
        self.kept = self.rng.permutation(48)

    def __len__(self):
        return len(self.kept)

    def __getitem__(self, row):
        row = int(self.kept[row])
        return self.points[row] + 0.1 * float(self.noise(row)), self.labels[row]

    def noise(self, row):
        return numpy.random.normal() + random.gauss(0, 1)


class _SeededByRow(_Points):
    def noise(self, row):
        self.rng = numpy.random.default_rng(row)
        return self.rng.normal()


class _SeededByWorker(_Points):
    def noise(self, row):
        if not hasattr(self, "mine"):
            self.mine = numpy.random.default_rng(get_worker_info().seed)
        return self.mine.normal()


def _numbered(worker):
    numpy.random.seed(torch.initial_seed() % 2**32 + worker)


def _fit(data, **settings):
    model = net()
    loader = DataLoader(data, batch_size=12, shuffle=True, num_workers=2, **settings)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(2):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x.float()), y).backward()
                optimizer.step()

    return Program(run, (model,))


def generator_for_the_split_alone() -> Program:
    return _fit(_Points(), worker_init_fn=_numbered)


def global_generators() -> Program:
    return _fit(_Points())


def noise_that_belongs_to_the_sample() -> Program:
    return _fit(_SeededByRow())


def seeded_in_each_worker() -> Program:
    return _fit(_SeededByWorker(), persistent_workers=True)
