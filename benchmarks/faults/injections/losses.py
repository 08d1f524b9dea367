"""What enters the loss is not what it expects."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..fault import fault
from ..program import Program
from ..surgery import CLASSES, behind, class_axis, rows


@fault("module", "forward", "in_loss", "head")
def softmax_before_cross_entropy(program: Program, spelling: str) -> Program | None:
    axis = class_axis(program)
    return behind(program, spelling, nn.Softmax(dim=axis), lambda x: x.softmax(dim=axis)) if program.task in CLASSES else None


@fault("module", "forward", "in_loss", "head")
def sigmoid_before_bce_logits(program: Program, spelling: str) -> Program | None:
    return behind(program, spelling, nn.Sigmoid(), torch.sigmoid) if program.task == "flags" else None


@fault("function", "module", "no_log_softmax")
def nll_without_log_softmax(program: Program, spelling: str) -> Program | None:
    if program.task == "log_probs":
        program.model = program.model[:-1]
    elif program.task in CLASSES:
        program.loss_fn = rows(program, nn.NLLLoss() if spelling == "module" else functional.nll_loss)
    else:
        return None
    return program


@fault("module", "forward", "in_loss")
def softmax_with_nll(program: Program, spelling: str) -> Program | None:
    axis = class_axis(program)
    if program.task == "log_probs":
        program.model[-1] = nn.Softmax(dim=1)
        return program
    if program.task not in CLASSES:
        return None
    program.loss_fn = rows(program, nn.NLLLoss() if spelling == "module" else functional.nll_loss)
    return behind(program, spelling, nn.Softmax(dim=axis), lambda x: x.softmax(dim=axis))


@fault("one_hot", "in_model", "module")
def kl_div_probs(program: Program, spelling: str) -> Program | None:
    divergence = nn.KLDivLoss(reduction="batchmean") if spelling == "module" else _divergence
    if program.task == "soft":
        program.loss_fn = lambda output, target: divergence(output.softmax(-1), target)
        return program
    if program.task not in CLASSES:
        return None
    if spelling == "in_model":
        axis = class_axis(program)
        program.model = nn.Sequential(program.model, nn.Softmax(dim=axis))
        program.loss_fn = rows(program, lambda probs, target: divergence(probs, _one_hot(target, probs)))
    else:
        program.loss_fn = rows(program, lambda output, target: divergence(output.softmax(1), _one_hot(target, output)))
    return program


def _divergence(output: Tensor, target: Tensor) -> Tensor:
    return functional.kl_div(output, target, reduction="batchmean")


def _one_hot(target: Tensor, like: Tensor) -> Tensor:
    return functional.one_hot(target, like.shape[1]).movedim(-1, 1).float()


@fault("modules", "loss", "log_by_hand")
def double_softmax_or_log(program: Program, spelling: str) -> Program | None:
    if program.task not in (*CLASSES, "log_probs"):
        return None
    axis = class_axis(program)
    if spelling == "modules" or program.task == "log_probs":
        net = program.model[:-1] if program.task == "log_probs" else program.model
        program.model = nn.Sequential(net, nn.Softmax(dim=axis), nn.LogSoftmax(dim=axis))
        program.loss_fn = rows(program, functional.nll_loss)
    elif spelling == "loss":
        program.model = nn.Sequential(program.model, nn.Softmax(dim=axis))
        program.loss_fn = rows(program, lambda output, target: functional.nll_loss(output.log_softmax(1), target))
    else:
        program.model = nn.Sequential(program.model, nn.Softmax(dim=axis))
        program.loss_fn = rows(program, lambda output, target: functional.nll_loss(output.softmax(1).log(), target))
    return program


@fault("log_softmax", "softmax_and_log", "module", alone=True)
def softmax_wrong_dim(program: Program, spelling: str) -> Program | None:
    wrong = 1 if program.task == "letters" else 0
    if program.task == "log_probs":
        program.model[-1] = nn.LogSoftmax(dim=0)
        return program
    if program.task not in CLASSES:
        return None
    program.loss_fn = rows(program, functional.nll_loss)
    if spelling == "softmax_and_log":
        return behind(program, "forward", nn.Identity(), lambda x: torch.log(x.softmax(dim=wrong) + 1e-9))
    return behind(program, "module" if spelling == "module" else "forward", nn.LogSoftmax(dim=wrong), lambda x: x.log_softmax(dim=wrong))
