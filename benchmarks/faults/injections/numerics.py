"""Operations outside of their domain."""

from __future__ import annotations

import torch
from torch import Tensor

from ..fault import fault
from ..program import Program
from ..surgery import CLASSES, rows


@fault("log_of_zero", "root_of_zero", "divides_by_zero", "exp")
def nan_inf_numeric(program: Program, spelling: str) -> Program | None:
    own = program.loss_fn
    if spelling == "log_of_zero" and program.task in CLASSES:
        program.loss_fn = rows(program, _cross_entropy_by_hand)
    elif spelling == "log_of_zero" and program.task == "flags":
        program.loss_fn = _entropy_by_hand
    elif spelling == "root_of_zero":
        weight = next(program.model.parameters())
        program.loss_fn = lambda output, target: own(output, target) + 1e-3 * (weight - weight).square().sum().sqrt()
    elif spelling == "divides_by_zero" and _has_constant_column(program.data[0][0]):
        program.change_inputs(_by_own_spread)
    elif spelling == "exp" and program.task in ("values", *CLASSES):
        program.loss_fn = lambda output, target: own(torch.log(torch.exp(300 * output)) / 300, target)
    else:
        return None
    return program


def _cross_entropy_by_hand(output: Tensor, target: Tensor) -> Tensor:
    exps = torch.exp(40 * output)
    return -torch.log((exps / exps.sum(1, keepdim=True)).gather(1, target.unsqueeze(1))).mean()


def _entropy_by_hand(output: Tensor, target: Tensor) -> Tensor:
    sure = torch.sigmoid(20 * output)
    return -(target * sure.log() + (1 - target) * (1 - sure).log()).mean()


def _has_constant_column(x: Tensor) -> bool:
    return x.is_floating_point() and bool((x.flatten(1).std(0) == 0).any())


def _by_own_spread(x: Tensor) -> Tensor:
    flat = x.reshape(len(x), -1)
    return ((flat - flat.mean(0)) / flat.std(0)).reshape(x.shape)
