"""Changes of the model that do no harm: what sound programs do as well, and what looks like a fault and is none. Every alarm is false."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..fault import harmless
from ..program import Program
from ..surgery import CLASSES, Wrapped, before_head, behind, class_axis, features, head, plain_layers


@harmless("module", "forward", "in_loss")
def log_softmax_twice(program: Program, spelling: str) -> Program | None:
    """The logarithm of a softmax is what it is taken of again."""
    axis = class_axis(program)
    fits = program.task in (*CLASSES, "log_probs")
    return behind(program, spelling, nn.LogSoftmax(dim=axis), lambda x: x.log_softmax(dim=axis)) if fits else None


@harmless("gelu", "silu", "leaky_relu", "elu")
def another_activation(program: Program, spelling: str) -> Program | None:
    found = [(path, m) for path, m in program.model.named_modules() if isinstance(m, (nn.ReLU, nn.Tanh))]
    for path, _ in found:
        parent, _, name = path.rpartition(".")
        setattr(
            program.model.get_submodule(parent),
            name,
            {"gelu": nn.GELU, "silu": nn.SiLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU}[spelling](),
        )
    return program if found else None


@harmless("xavier", "kaiming", "orthogonal", "head_at_zero")
def another_start(program: Program, spelling: str) -> Program | None:
    layers = [layer for _, layer in plain_layers(program.model)]
    draw = {"xavier": nn.init.xavier_uniform_, "kaiming": nn.init.kaiming_normal_, "orthogonal": nn.init.orthogonal_}
    for layer in layers if spelling in draw else [head(program.model)]:
        draw.get(spelling, nn.init.zeros_)(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return program


@harmless("0.75", "1.5")
def another_width(program: Program, spelling: str) -> Program | None:
    return program.rebuild(width=float(spelling)) if program.rebuild is not None else None


@harmless("layer_norm", "batch_norm", "dropout")
def another_layer(program: Program, spelling: str) -> Program | None:
    if isinstance(head(program.model), nn.Conv2d) or (program.task == "letters" and spelling == "batch_norm"):
        return None
    width = features(program)
    return before_head(
        program, {"layer_norm": nn.LayerNorm(width), "batch_norm": nn.BatchNorm1d(width), "dropout": nn.Dropout(0.1)}[spelling]
    )


class _FromZero(nn.Module):
    """A residual branch whose gate is closed at first."""

    def __init__(self, width: int):
        super().__init__()
        self.branch, self.gate = nn.Linear(width, width), nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gate * torch.relu(self.branch(x))


@harmless("gate")
def residual_from_zero(program: Program, spelling: str) -> Program | None:
    return None if isinstance(head(program.model), nn.Conv2d) else before_head(program, _FromZero(features(program)))


@harmless("forward")
def normalised_inside(program: Program, spelling: str) -> Program | None:
    """Raw inputs, and a model that knows their mean and spread."""
    if program.task in ("images", "letters") or not program.data[0][0].is_floating_point():
        return None
    program.change_inputs(lambda x: 50.0 * x + 100.0)
    program.model = Wrapped(program.model, before=lambda x: (x - 100.0) / 50.0)
    return program


class _Noise(nn.Module):
    """A little noise while training."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.02 * torch.randn_like(x) if self.training else x


@harmless("noise")
def augmented(program: Program, spelling: str) -> Program | None:
    if program.task in ("images", "letters") or not program.data[0][0].is_floating_point():
        return None
    program.model = nn.Sequential(_Noise(), program.model)
    return program
