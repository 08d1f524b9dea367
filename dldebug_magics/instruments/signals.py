"""The signal through the weights of a model, there and back: what enters and leaves every call that multiplies by a weight.

Seen at torch's function door: `nn.Linear`, `functional.conv2d` and `x @ self.weight` are alike, and a loop over time has a call a step.
After a backward pass the gradient at each result says how the signal fares on its way back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .calls import name_of
from .module_path import ModulePath
from .source_lines import Line, running_line

MAPS = frozenset("linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d matmul mm addmm einsum".split())
RECURRENT = frozenset("rnn_tanh rnn_relu lstm gru".split())


@dataclasses.dataclass(frozen=True)
class Passing:
    """One multiplication by a weight: in which module, on which of the user's lines, what went in and what came out."""

    function: str
    module: str
    line: Line
    weight: Tensor
    entering: Tensor
    result: Tensor


@dataclasses.dataclass(frozen=True)
class Sequence:
    """The input of a recurrent layer, whose gradient is kept, and the axis of its time steps."""

    module: str
    entering: Tensor
    time_axis: int


class Signals(TorchFunctionMode):
    """`with Signals(model) as signals: loss = ...`; `signals.passings` and `signals.sequences` keep their gradients for `backward`."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.passings: list[Passing] = []
        self.sequences: list[Sequence] = []
        self.path = ModulePath(model)

    def __enter__(self) -> Signals:
        self.path.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.path.__exit__(*error)
        super().__exit__(*error)

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords, name = kwargs or {}, name_of(function)
        if name in RECURRENT and len(args) == 9 and isinstance(args[2], (list, tuple)):
            args = (self._followed(args[0], time_axis=int(bool(args[8]))), *args[1:])
        result = function(*args, **keywords)
        if name in MAPS and isinstance(result, Tensor) and result.is_floating_point():
            weight, entering = _parts([*args, *keywords.values()])
            if weight is not None and entering is not None:
                if result.requires_grad:
                    result.retain_grad()
                self.passings.append(Passing(name, self.path.current, running_line(2), weight, entering, result))
        return result

    def _followed(self, entering: Tensor, time_axis: int) -> Tensor:
        """A recurrent layer's input, made to keep its gradient."""
        entering = entering if entering.requires_grad else entering.detach().clone().requires_grad_()
        entering.retain_grad()
        self.sequences.append(Sequence(self.path.current, entering, time_axis if entering.ndim == 3 else 0))
        return entering


def _parts(given: list[Any]) -> tuple[Tensor | None, Tensor | None]:
    """(weight, input) among the arguments of a multiplication: the weight is a parameter, a view of one, or what is computed from one."""
    two = [t for t in given if isinstance(t, Tensor) and t.ndim > 1][:2]
    weight = next((t for t in reversed(two) if isinstance(t, nn.Parameter) or isinstance(t._base, nn.Parameter)), None)
    entering = next((t for t in two if t is not weight), None)
    return weight, entering
