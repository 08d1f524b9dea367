"""Labels that the loss cannot use, or does not."""

from __future__ import annotations

import torch

from ..fault import fault
from ..program import Program
from ..surgery import CLASSES


@fault("low_classes", "most_labels", "all_labels")
def ignore_index_swallows(program: Program, spelling: str) -> Program | None:
    if program.task not in CLASSES:
        return None
    lost = {"low_classes": lambda y: y < y.max() * 0.6, "most_labels": lambda y: torch.arange(y.numel()).view(y.shape) % 40 > 0}
    chosen = lost.get(spelling, lambda y: torch.ones_like(y, dtype=torch.bool))
    program.change(lambda pair: (pair[0], pair[1].masked_fill(chosen(pair[1]), -100)))
    return program


@fault("from_one", "void")
def label_out_of_range(program: Program, spelling: str) -> Program | None:
    if program.task not in (*CLASSES, "log_probs"):
        return None
    if spelling == "from_one":
        program.change(*[lambda pair: (pair[0], pair[1] + 1)] * 2)
    else:
        program.change(lambda pair: (pair[0], pair[1].masked_fill(torch.rand(pair[1].shape) < 0.2, 255)))
    return program
