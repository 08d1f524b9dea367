"""Faults of the data that one batch does not show: `%diagnose` looks for them in the loaders."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from ..fault import fault
from ..program import Pair, Program


def _rows(program: Program) -> bool:
    return program.data[0][0].is_floating_point() and program.task != "images"


def _shuffled(count: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(11))


@fault("permuted", "moved_by_one", "labels_sorted", stage="data")
def labels_shuffled(program: Program, spelling: str) -> Program | None:
    if not _rows(program) or program.task in ("pixels", "letters"):
        return None
    changes = {
        "permuted": lambda pair: (pair[0], pair[1][_shuffled(len(pair[1]))]),
        "moved_by_one": lambda pair: (pair[0], pair[1].roll(1, dims=0)),
        "labels_sorted": lambda pair: (pair[0], pair[1][_by_label(pair[1])]),
    }
    program.change(changes[spelling])
    return program


def _by_label(targets: Tensor) -> Tensor:
    return targets.reshape(len(targets), -1)[:, 0].argsort(stable=True)


@fault("few_rows", "one_column", "infinite", stage="data")
def nan_in_data(program: Program, spelling: str) -> Program | None:
    if not _rows(program):
        return None
    value = float("inf") if spelling == "infinite" else float("nan")

    def spoilt(pair: Pair) -> Pair:
        inputs = pair[0].clone()
        inputs[50:53] = value if spelling != "one_column" else inputs[50:53]
        inputs[60, ..., 0] = value
        return inputs, pair[1]

    program.change(spoilt)
    return program


@fault("moved_by_one", "permuted", "reversed", stage="data")
def label_mapping_mismatch(program: Program, spelling: str) -> Program | None:
    if program.task not in ("classes", "log_probs"):
        return None
    count = int(program.data[0][1].max()) + 1
    order = {"moved_by_one": torch.arange(count).roll(1), "permuted": _shuffled(count), "reversed": torch.arange(count).flip(0)}[spelling]
    program.change(val=lambda pair: (pair[0], order[pair[1]]))
    return program


@fault("most", "half", stage="data", flatters=True)
def train_val_leak(program: Program, spelling: str) -> Program | None:
    if not _rows(program):
        return None
    inputs, targets = program.data[0]
    count = int(len(program.data[1][0]) * (0.9 if spelling == "most" else 0.5))
    count = min(count, len(inputs))
    program.change(val=lambda pair: (torch.cat([inputs[:count], pair[0][count:]]), torch.cat([targets[:count], pair[1][count:]])))
    return program


@fault("by_label", "by_label_large_batches", stage="data")
def shuffle_false_sorted(program: Program, spelling: str) -> Program | None:
    if not _rows(program) or program.task == "pixels":
        return None
    program.change(lambda pair: tuple(column[_by_label(pair[1])] for column in pair))
    size = program.batch_size if spelling == "by_label" else 64
    program.train = DataLoader(TensorDataset(*program.data[0]), batch_size=size, shuffle=False)
    return program


@fault("bytes", "other_statistics", "raw", stage="data")
def normalisation_mismatch(program: Program, spelling: str) -> Program | None:
    if not _rows(program):
        return None
    change = {"bytes": lambda x: x * 255, "other_statistics": lambda x: (x - 1.5) / 0.3, "raw": lambda x: x * 7 + 20}[spelling]
    program.change(val=lambda pair: (change(pair[0]), pair[1]))
    return program


@fault("five_times", "twenty_times", stage="data")
def duplicated_samples(program: Program, spelling: str) -> Program | None:
    if not _rows(program):
        return None
    times = 5 if spelling == "five_times" else 20

    def repeated(pair: Pair) -> Pair:
        rows = torch.arange(len(pair[0])) % (len(pair[0]) // times)
        return pair[0][rows], pair[1][rows]

    program.change(repeated)
    return program


@fault("inputs", "targets", "sentinel", stage="data")
def outlier_samples(program: Program, spelling: str) -> Program | None:
    if not _rows(program) or (spelling == "targets" and program.task not in ("values", "density")):
        return None

    def spoilt(pair: Pair) -> Pair:
        inputs, targets = pair[0].clone(), pair[1].clone()
        some = torch.arange(len(inputs)) % 60 == 7
        if spelling == "targets":
            targets[some] = 300.0
        else:
            inputs[some] = inputs[some] * 1000 if spelling == "inputs" else -9999.0
        return inputs, targets

    program.change(spoilt)
    return program
