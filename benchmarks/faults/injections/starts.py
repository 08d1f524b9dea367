"""The state in which training starts: weights, units, mode, number format."""

from __future__ import annotations

import torch
from torch import nn

from ..fault import fault
from ..program import Program
from ..surgery import Called, Wrapped, before_head, features, head, layer, plain_layers


@fault("tanh", "sigmoid", "scaled_weights")
def saturated_activation(program: Program, spelling: str) -> Program | None:
    one = layer(program)
    if spelling == "scaled_weights":
        nn.init.normal_(one.weight, std=30.0)
        return before_head(program, one, nn.Tanh())
    factor = 300.0
    return before_head(program, one, Called(lambda x: torch.tanh(factor * x) if spelling == "tanh" else torch.sigmoid(factor * x)))


@fault("bias", "weights_below_zero", "functional")
def dead_relu(program: Program, spelling: str) -> Program | None:
    one = layer(program)
    nn.init.constant_(one.bias, -30.0)
    if spelling == "weights_below_zero":
        nn.init.constant_(one.bias, -0.1)
        one.weight.data.abs_().neg_()
        return before_head(program, nn.ReLU(), one, nn.ReLU())
    return before_head(program, one, nn.ReLU() if spelling == "bias" else Called(torch.relu))


@fault("one_unit", "two_units")
def capacity_too_small(program: Program, spelling: str) -> Program | None:
    return program.rebuild(width=1e-3 if spelling == "one_unit" else 0.06)


@fault("zeros", "ones", "small_constant")
def symmetric_init(program: Program, spelling: str) -> Program | None:
    for parameter in program.model.parameters():
        nn.init.constant_(parameter, {"zeros": 0.0, "ones": 1.0, "small_constant": 0.01}[spelling])
    return program


@fault("30", "100", "0.003")
def init_scale_bad(program: Program, spelling: str) -> Program | None:
    for _, one in plain_layers(program.model):
        one.weight.data.mul_(float(spelling))
    return program


@fault("new_norm", "own_norm")
def eval_mode_during_training(program: Program, spelling: str) -> Program | None:
    if isinstance(head(program.model), nn.Conv2d) or program.task == "letters":
        return None
    if spelling == "own_norm" and any(isinstance(module, nn.BatchNorm2d) for module in program.model.modules()):
        program.model.eval()
        return program
    deep: list[nn.Module] = []
    for _ in range(3):
        one = layer(program)
        nn.init.normal_(one.weight, std=1e-3)
        deep += [one, nn.BatchNorm1d(features(program)), nn.Tanh()]
    before_head(program, *deep)
    program.model.eval()
    return program


@fault("half_model", "half_features", "half_loss")
def fp16_overflow_or_underflow(program: Program, spelling: str) -> Program | None:
    if spelling == "half_features":
        return before_head(program, Called(lambda x: (3e5 * x).half().float() / 3e5))
    if spelling == "half_loss":
        own = program.loss_fn
        program.loss_fn = lambda output, target: (own(output, target) * 1e-7).half().float() * 1e7
        return program
    if program.task not in ("classes", "flags") or not program.data[0][0].is_floating_point():
        return None
    program.model = Wrapped(program.model.half(), before=lambda x: x.half())
    program.change(*[lambda pair: (pair[0], pair[1].half() if pair[1].is_floating_point() else pair[1])] * 2)
    program.refit()
    return program
