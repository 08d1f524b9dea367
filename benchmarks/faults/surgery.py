"""How faults get into a finished program: a layer exchanged, something put before the last layer or behind the model, another loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .program import Program

Change = Callable[[Tensor], Tensor]
CLASSES = ("classes", "pixels", "letters")  # tasks with scores of exclusive classes


class Called(nn.Module):
    """A function in a layer's place, as people write it in a forward."""

    def __init__(self, function: Change):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Wrapped(nn.Module):
    """A network whose input, or output, somebody changes in a forward of his own."""

    def __init__(self, net: nn.Module, before: Change | None = None, after: Change | None = None):
        super().__init__()
        self.net, self.before, self.after = net, before, after

    def forward(self, x: Tensor) -> Any:
        out = self.net(x if self.before is None else self.before(x))
        return out if self.after is None else self.after(out)


def plain_layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The linear and convolutional layers by path, without those inside of torch's own attention."""
    inside = [path for path, module in model.named_modules() if isinstance(module, (nn.TransformerEncoderLayer, nn.MultiheadAttention))]
    found = [(path, module) for path, module in model.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    return [(path, module) for path, module in found if not any(path.startswith(f"{within}.") for within in inside)]


def head(model: nn.Module) -> nn.Module:
    """The last layer with weights."""
    return plain_layers(model)[-1][1]


def swap(model: nn.Module, path: str, new: nn.Module) -> None:
    """Put another module in a path's place."""
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, new)


def before_head(program: Program, *new: nn.Module) -> Program:
    """Layers before the last one; the optimizer learns of their parameters."""
    path, last = plain_layers(program.model)[-1]
    swap(program.model, path, nn.Sequential(*new, last))
    program.refit()
    return program


def behind_head(program: Program, new: nn.Module) -> Program:
    """A module right behind the last layer with weights."""
    path, last = plain_layers(program.model)[-1]
    swap(program.model, path, nn.Sequential(last, new))
    return program


def features(program: Program) -> int:
    """How many features enter the last layer."""
    last = head(program.model)
    return last.in_channels if isinstance(last, nn.Conv2d) else last.in_features


def layer(program: Program, columns: int | None = None, units: int | None = None) -> nn.Module:
    """A new layer of the kind that the last one is, as wide as what enters that."""
    width = features(program)
    kind = nn.Conv2d if isinstance(head(program.model), nn.Conv2d) else nn.Linear
    return kind(columns or width, units or width, *((1,) if kind is nn.Conv2d else ()))


def new_head(program: Program, units: int) -> Program:
    """A last layer with another number of outputs, known to the optimizer."""
    swap(program.model, plain_layers(program.model)[-1][0], layer(program, units=units))
    program.refit()
    return program


def behind(program: Program, spelling: str, module: nn.Module, function: Change) -> Program:
    """The same change of the outputs, spelt as a module at the end, in a forward, at the last layer, or inside the loss."""
    if spelling == "module":
        program.model = nn.Sequential(program.model, module)
    elif spelling == "forward":
        program.model = Wrapped(program.model, after=function)
    elif spelling == "head":
        return behind_head(program, module)
    else:
        own = program.loss_fn
        program.loss_fn = lambda output, target: own(function(output), target)
    return program


def class_axis(program: Program) -> int:
    """The axis of the classes in the model's output."""
    return -1 if program.task == "letters" else 1


def rows(program: Program, loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss of classes for what the model gives: letters are laid out as one long batch."""
    if program.task != "letters":
        return loss
    return lambda output, target: loss(output.reshape(-1, output.shape[-1]), target.reshape(-1))


def each(program: Program) -> Callable[..., Tensor]:
    """The healthy loss of every sample by itself."""
    if program.task in (*CLASSES, "log_probs"):
        return rows(program, lambda output, target: functional.cross_entropy(output, target, reduction="none"))
    if program.task == "flags":
        return lambda output, target: functional.binary_cross_entropy_with_logits(output, target, reduction="none")
    return lambda output, target: functional.mse_loss(output, target, reduction="none")


def is_a(program: Program, *kinds: type[torch.optim.Optimizer]) -> bool:
    """Whether the optimizer is exactly of one of these classes."""
    return type(program.optimizer) in kinds
