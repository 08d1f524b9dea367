"""What reaches the model and the loss: scales, zeros, pairs that contradict each other, labels that change."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..fault import fault
from ..program import Pair, Program


def _floats(program: Program) -> bool:
    return program.data[0][0].is_floating_point() and program.task != "images"


@fault("bytes", "thousands", "one_column", "far_off")
def input_not_normalised(program: Program, spelling: str) -> Program | None:
    if not _floats(program):
        return None
    changes = {
        "bytes": lambda x: x * 255,
        "thousands": lambda x: x * 3000,
        "one_column": lambda x: torch.cat([x[..., :1] * 5000 + 2000, x[..., 1:]], -1),
        "far_off": lambda x: x * 10 + 500,
    }
    program.change_inputs(changes[spelling])
    return program


@fault("divided_twice", "by_its_statistics", "tiny")
def input_over_normalised(program: Program, spelling: str) -> Program | None:
    if not _floats(program):
        return None
    changes = {"divided_twice": lambda x: x / 255, "by_its_statistics": lambda x: (x / 255 - 0.5) / 0.5, "tiny": lambda x: x * 1e-4}
    program.change_inputs(changes[spelling])
    return program


@fault("zeros", "first_for_all", "half_zero")
def inputs_zeroed_or_constant(program: Program, spelling: str) -> Program | None:
    if program.task == "images":
        return None
    changes = {
        "zeros": lambda pair: (torch.zeros_like(pair[0]), pair[1]),
        "first_for_all": lambda pair: (pair[0][:1].expand_as(pair[0]).clone(), pair[1]),
        "half_zero": lambda pair: (pair[0] * (torch.arange(len(pair[0])) % 3 == 0).view(-1, *[1] * (pair[0].ndim - 1)), pair[1]),
    }
    program.change(changes[spelling])
    return program


@fault("index_divided", "few_inputs")
def conflicting_duplicates(program: Program, spelling: str) -> Program | None:
    if not _floats(program):
        return None

    def repeated(pair: Pair) -> Pair:
        rows = torch.arange(len(pair[0]))
        return pair[0][rows // 16 if spelling == "index_divided" else rows % 6], pair[1]

    program.change(repeated)
    return program


class _Redrawn(Dataset):
    """Gives each sample the label of whichever comes to mind."""

    def __init__(self, inputs: Tensor, targets: Tensor, share: float):
        self.inputs, self.targets, self.share = inputs, targets, share

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, row: int) -> Pair:
        drawn = int(torch.randint(len(self.targets), ())) if float(torch.rand(())) < self.share else row
        return self.inputs[row], self.targets[drawn]


@fault("all", "most")
def labels_redrawn(program: Program, spelling: str) -> Program | None:
    if program.task == "images":
        return None
    dataset = _Redrawn(*program.data[0], share=1.0 if spelling == "all" else 0.8)
    order = torch.Generator().manual_seed(program.seed)
    program.train = DataLoader(dataset, batch_size=program.batch_size, shuffle=True, generator=order)
    return program


@fault("thousands", "far_off", "millions")
def targets_not_normalised(program: Program, spelling: str) -> Program | None:
    if program.task not in ("values", "density"):
        return None
    changes = {"thousands": lambda y: y * 1000, "far_off": lambda y: y * 20 + 5000, "millions": lambda y: y * 1e6 + 3e6}
    program.change(*[lambda pair: (pair[0], changes[spelling](pair[1]))] * 2)
    return program
