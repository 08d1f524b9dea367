"""The optimizer: its rate, its direction, what it holds, what it takes off the weights, how much of a gradient it is shown."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..fault import fault
from ..program import Program, optimizer
from ..surgery import before_head, features, head, is_a, layer, plain_layers, swap

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


@fault("weight_decay", "dropout", "functional_dropout")
def too_much_regularisation(program: Program, spelling: str) -> Program | None:
    if spelling == "weight_decay":
        if not is_a(program, SGD, Adam):
            return None
        program.refit(weight_decay=1.0)
        return program
    return before_head(program, nn.Dropout(0.97) if spelling == "dropout" else _Dropping(0.97))


class _Dropping(nn.Module):
    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, self.share, training=self.training)


@fault("0.1", "0.5", "2")
def weight_decay_coupled_adam(program: Program, spelling: str) -> Program | None:
    if not is_a(program, Adam, AdamW):
        return None
    program.make_optimizer = optimizer(Adam, lr=program.optimizer.param_groups[0]["lr"], weight_decay=float(spelling))
    program.refit()
    return program


@fault("parameter_hooks", "step_hook", "own_optimizer")
def grad_clip_too_small(program: Program, spelling: str) -> Program | None:
    if not is_a(program, SGD):
        return None
    small = 1e-4
    if spelling == "parameter_hooks":
        for parameter in program.model.parameters():
            parameter.register_hook(lambda gradient: gradient.clamp(-1e-6, 1e-6))
    elif spelling == "step_hook":
        clip = lambda *_: nn.utils.clip_grad_norm_(program.model.parameters(), small)  # noqa: E731
        program.optimizer.register_step_pre_hook(clip)
    else:
        program.make_optimizer = optimizer(_Clipping, **{k: program.optimizer.defaults[k] for k in ("lr", "momentum")})
        program.refit()
    return program


class _Clipping(SGD):
    """Clips before each step, as some trainers do."""

    def step(self, closure=None):
        nn.utils.clip_grad_norm_([p for group in self.param_groups for p in group["params"]], 1e-4)
        return super().step(closure)


@fault("module", "functional", "harder")
def dropout_on_output(program: Program, spelling: str) -> Program | None:
    if program.task in ("density", "log_probs") or program.name == "variational":
        return None
    dropping = {"module": nn.Dropout(0.5), "functional": _Dropping(0.5), "harder": nn.Dropout(0.8)}[spelling]
    program.model = nn.Sequential(program.model, dropping)
    return program


@fault("half", "most")
def functional_dropout_always_on(program: Program, spelling: str) -> Program | None:
    share = 0.5 if spelling == "half" else 0.8
    return before_head(program, _Always(share)) if features(program) > 4 else None


class _Always(nn.Module):
    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, self.share)
