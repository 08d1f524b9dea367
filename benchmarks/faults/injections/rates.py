"""The optimizer: its rate, its direction, what it holds, what it takes off the weights, how much of a gradient it is shown."""

from __future__ import annotations

import torch
from torch import nn

from ..fault import fault
from ..program import Program
from ..surgery import head, layer, plain_layers, swap

SGD, Adam, AdamW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW


def _times(program: Program, factor: float) -> Program:
    program.refit(lr=program.optimizer.param_groups[0]["lr"] * factor)
    return program


@fault("100", "1000")
def lr_too_high(program: Program, spelling: str) -> Program | None:
    return _times(program, float(spelling))


@fault("100", "1000", "10000")
def lr_too_low(program: Program, spelling: str) -> Program | None:
    return _times(program, 1 / float(spelling))


@fault("zero", "lambda", "exponential", "steps")
def lr_zero_or_scheduled_away(program: Program, spelling: str) -> Program | None:
    if spelling == "zero":
        return _times(program, 0.0)
    schedules = torch.optim.lr_scheduler
    made = {
        "lambda": lambda opt: schedules.LambdaLR(opt, lambda epoch: epoch // 100),
        "exponential": lambda opt: schedules.ExponentialLR(opt, gamma=1e-3),
        "steps": lambda opt: schedules.MultiStepLR(opt, milestones=[1, 2], gamma=1e-3),
    }
    program.scheduler = made[spelling](program.optimizer)
    return program


@fault("maximize", "below_zero")
def gradient_ascent(program: Program, spelling: str) -> Program | None:
    rate = program.optimizer.param_groups[0]["lr"]
    program.refit(**({"maximize": True} if spelling == "maximize" else {"lr": -rate}))
    return program


@fault("another_model", "head_replaced", "head_only", "first_layer_only")
def optimizer_wrong_params(program: Program, spelling: str) -> Program | None:
    layers = plain_layers(program.model)
    if spelling == "head_replaced":
        swap(program.model, layers[-1][0], layer(program, units=_outputs(head(program.model))))
        return program
    kept = {"head_only": layers[-1][1], "first_layer_only": layers[0][1]}.get(spelling)
    other = program.rebuild().model if kept is None else kept
    program.optimizer = program.make_optimizer(other.parameters())
    return program


def _outputs(last: nn.Module) -> int:
    return last.out_channels if isinstance(last, nn.Conv2d) else last.out_features


@fault("all_but_last_bias", "all_but_head", "head", "head_unfit")
def requires_grad_false(program: Program, spelling: str) -> Program | None:
    last = head(program.model)
    if spelling.startswith("head"):
        last.requires_grad_(False)
    else:
        program.model.requires_grad_(False)
        (last if spelling == "all_but_head" else last.bias).requires_grad_(True)
    if spelling != "head":
        program.refit()
    return program
