"""The loss itself is wrong: its sign, its shape, its sum, what it leaves out, a term that no gradient leaves."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..fault import fault
from ..program import Pair, Program
from ..surgery import CLASSES, Wrapped, behind, each, is_a, rows


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


@fault("log_of_zero", "root_of_zero", "divides_by_zero", "exp")
def nan_inf_numeric(program: Program, spelling: str) -> Program | None:
    own = program.loss_fn
    if spelling == "log_of_zero" and program.task in CLASSES:
        program.loss_fn = rows(program, _cross_entropy_by_hand)
    elif spelling == "log_of_zero" and program.task == "flags":
        program.loss_fn = lambda output, target: (
            -(target * (20 * output).sigmoid().log() + (1 - target) * (1 - (20 * output).sigmoid()).log()).mean()
        )
    elif spelling == "root_of_zero":
        weight = next(program.model.parameters())
        program.loss_fn = lambda output, target: own(output, target) + 1e-3 * (weight - weight).square().sum().sqrt()
    elif spelling == "divides_by_zero":
        program.change_inputs(_by_own_spread) if program.data[0][0].is_floating_point() else None
        return program if program.data[0][0].is_floating_point() and not bool(torch.isfinite(program.data[0][0]).all()) else None
    elif spelling == "exp" and program.task in ("values", *CLASSES):
        program.loss_fn = lambda output, target: own(torch.log(torch.exp(300 * output)) / 300, target)
    else:
        return None
    return program


def _cross_entropy_by_hand(output: Tensor, target: Tensor) -> Tensor:
    exps = torch.exp(40 * output)
    return -torch.log((exps / exps.sum(1, keepdim=True)).gather(1, target.unsqueeze(1))).mean()


def _by_own_spread(x: Tensor) -> Tensor:
    flat = x.reshape(len(x), -1)
    return ((flat - flat.mean(0)) / flat.std(0)).reshape(x.shape)
