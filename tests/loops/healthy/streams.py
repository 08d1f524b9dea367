"""Loaders without a length: a stream that is read as it comes, and batches of a sampler that does not know how many there are."""

from __future__ import annotations

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from dldebug_magics.checks.small_data import groups

from .program import Program, net


def _fit(loader: DataLoader) -> Program:
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return Program(run, (model,))


def a_stream() -> Program:
    class Stream(IterableDataset):
        def __iter__(self):
            points, labels = groups(150)
            for row in torch.randperm(150).tolist():
                yield points[row], labels[row].item()

    return _fit(DataLoader(Stream(), batch_size=16))


def batches_of_samples_alike() -> Program:
    class Buckets(torch.utils.data.Sampler):
        def __init__(self):
            pass

        def __iter__(self):
            yield from (part.tolist() for part in torch.randperm(150).split(16))

    return _fit(DataLoader(TensorDataset(*groups(150)), batch_sampler=Buckets()))
