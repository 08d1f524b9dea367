"""The loss itself is wrong: its sign, its shape, its sum, what it leaves out, a term that no gradient leaves."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ..fault import fault
from ..program import Pair, Program
from ..surgery import CLASSES, Wrapped, each, is_a, rows


@fault("minus", "log_likelihood")
def flipped_loss_sign(program: Program, spelling: str) -> Program | None:
    own = program.loss_fn
    if spelling == "log_likelihood" and program.task in CLASSES:
        program.loss_fn = rows(program, lambda output, target: output.log_softmax(1).gather(1, target.unsqueeze(1)).mean())
    else:
        program.loss_fn = lambda output, target: -own(output, target)
    return program


@fault("flat_target", "flat_output", "flat_target_by_hand")
def loss_broadcast(program: Program, spelling: str) -> Program | None:
    if program.task not in ("values", "density") and program.name != "tumours":
        return None
    if spelling == "flat_output" and program.task != "values":
        return None
    if spelling == "flat_output":
        program.model = Wrapped(program.model, after=lambda x: x.squeeze(-1))
        program.read = lambda output: output.unsqueeze(-1)
    else:
        program.change(*[_flat] * 2)
    if program.name == "tumours":
        program.score = _as_column(program.score)
        program.loss_fn = lambda output, target: (functional.softplus(output) - output * target).mean()
    elif spelling == "flat_target_by_hand" and program.task == "values":
        program.loss_fn = lambda output, target: torch.mean(torch.abs(output - target) ** 2)
    return program


def _as_column(score):
    return lambda outputs, targets: score(outputs, targets.reshape(len(targets), -1))


def _flat(pair: Pair) -> Pair:
    return pair[0], pair[1][:, 0]


@fault("sum", "sum_in_module")
def wrong_reduction(program: Program, spelling: str) -> Program | None:
    if program.task in ("soft", "density", "images") or not is_a(program, torch.optim.SGD, torch.optim.Adam):
        return None
    own, module = each(program), _SUMS.get(program.task)
    summed = lambda output, target: own(output, target).sum()  # noqa: E731
    program.loss_fn = module() if spelling == "sum_in_module" and module is not None else summed
    return program


_SUMS = {
    "classes": lambda: nn.CrossEntropyLoss(reduction="sum"),
    "values": lambda: nn.MSELoss(reduction="sum"),
    "flags": lambda: nn.BCEWithLogitsLoss(reduction="sum"),
}


@fault("each_sample", "whole", "minimum")
def clipped_loss_not_grad(program: Program, spelling: str) -> Program | None:
    if program.task not in (*CLASSES, "flags", "values"):
        return None
    own, bound = each(program), 0.1 if program.task == "values" else 0.5
    if spelling == "each_sample":
        program.loss_fn = lambda output, target: own(output, target).clamp(max=bound).mean()
    elif spelling == "whole":
        program.loss_fn = lambda output, target: own(output, target).mean().clamp(max=bound)
    else:
        program.loss_fn = lambda output, target: torch.minimum(own(output, target), torch.tensor(bound)).mean()
    return program


@fault("argmax", "item", "rounded", "threshold")
def loss_term_without_gradient(program: Program, spelling: str) -> Program | None:
    hard = _hard(program, spelling)
    if hard is None:
        return None
    program.loss_fn = lambda output, target: hard(output, target) + 1e-3 * output.square().mean()
    return program


def _hard(program: Program, spelling: str):
    """The term that teaches nothing, where the task has one."""
    own, axis = program.loss_fn, -1 if program.task == "letters" else 1
    if spelling == "item" and program.task in (*CLASSES, "flags", "values"):
        return lambda output, target: own(output, target).item()
    if spelling == "argmax" and program.task in CLASSES:
        return lambda output, target: functional.mse_loss(output.argmax(axis).float(), target.float())
    if spelling == "rounded" and program.task == "values":
        return lambda output, target: (output.round() - target).abs().mean()
    if spelling == "threshold" and program.task == "flags":
        return lambda output, target: ((output > 0).float() - target).abs().mean()
    return None
