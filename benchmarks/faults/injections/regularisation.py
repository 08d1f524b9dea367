"""What holds the weights back: decay, dropout in the wrong place or strength, clipped gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..fault import fault
from ..program import Program, optimizer
from ..surgery import before_head, features, is_a

SGD, Adam, AdamW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW


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
    if spelling == "parameter_hooks":
        for parameter in program.model.parameters():
            parameter.register_hook(lambda gradient: gradient.clamp(-1e-6, 1e-6))
    elif spelling == "step_hook":
        program.optimizer.register_step_pre_hook(_clip)
    else:
        program.make_optimizer = optimizer(_Clipping, **{k: program.optimizer.defaults[k] for k in ("lr", "momentum")})
        program.refit()
    return program


def _clip(stepping: torch.optim.Optimizer, *_: object) -> None:
    nn.utils.clip_grad_norm_([p for group in stepping.param_groups for p in group["params"]], 1e-4)


class _Clipping(SGD):
    """Clips before each step, as some trainers do."""

    def step(self, closure=None):
        _clip(self)
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
