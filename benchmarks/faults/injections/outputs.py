"""Outputs that are bent before they reach the loss."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ..fault import fault
from ..program import Program
from ..surgery import CLASSES, behind


@fault("sigmoid", "relu", "tanh", "forward_sigmoid")
def wrong_activation_range_output(program: Program, spelling: str) -> Program | None:
    if program.task not in ("classes", "values", "pixels") or (spelling == "relu" and program.task != "values"):
        return None
    module = {"relu": nn.ReLU(), "tanh": nn.Tanh()}.get(spelling, nn.Sigmoid())
    return behind(program, "forward" if spelling.startswith("forward") else "module", module, torch.sigmoid)


@fault("module", "forward", "head")
def relu_on_logits(program: Program, spelling: str) -> Program | None:
    return behind(program, spelling, nn.ReLU(), torch.relu) if program.task in (*CLASSES, "flags") else None


@fault("module", "forward", "with_bce")
def softmax_on_single_unit(program: Program, spelling: str) -> Program | None:
    if program.task != "values" and program.name != "tumours":
        return None
    if spelling == "with_bce" and program.name == "tumours":
        program.loss_fn = nn.BCELoss()
    return behind(program, "forward" if spelling == "forward" else "module", nn.Softmax(dim=1), lambda x: functional.softmax(x, dim=1))
