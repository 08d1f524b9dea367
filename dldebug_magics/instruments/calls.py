"""The torch functions that a forward pass and its loss call, as torch itself reports them.

One door sees modules and functional forms alike: `nn.ReLU()`, `F.relu(x)`, `torch.relu(x)` and `x.relu()` are all a call of `relu`. What
compiled or scripted code does is not seen.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .module_path import ModulePath
from .source_lines import Line, running_line

ACTIVATIONS = frozenset(
    "relu relu_ relu6 leaky_relu elu gelu silu mish softplus sigmoid sigmoid_ logsigmoid hardsigmoid tanh tanh_ hardtanh softmax "
    "log_softmax clamp clamp_ clamp_min".split()
)
LOSSES = frozenset(
    "cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss smooth_l1_loss huber_loss kl_div "
    "gaussian_nll_loss poisson_nll_loss ctc_loss".split()
)
RECTIFYING = frozenset(("relu", "relu_", "relu6"))
DROPOUTS = frozenset("dropout dropout_ alpha_dropout feature_alpha_dropout dropout1d dropout2d dropout3d".split())
DETACHING = frozenset("detach detach_ data numpy item tolist argmax round _set_grad_enabled".split())


@dataclasses.dataclass(frozen=True)
class Call:
    """One call: the function's name, its how-manieth call of that name this is, the module it ran in, and the user's line.

    `node` is the result's place in the graph at that time: what is written into the result later has another.
    """

    name: str
    index: int
    module: str
    line: Line
    function: Callable
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    result: Any
    node: Any = None

    @property
    def rectifies(self) -> bool:
        """Whether it is a ReLU in one of its forms; `clamp(min=0)` is one."""
        if self.name in RECTIFYING:
            return True
        clamps = self.name in ("clamp", "clamp_", "clamp_min")
        return clamps and self.argument(1, "min") == 0 and self.argument(2, "max") is None

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """An argument by position or by keyword."""
        return self.arguments[position] if len(self.arguments) > position else self.keywords.get(name, default)


class Calls(TorchFunctionMode):
    """Records the calls of the wanted functions while it is active: `with Calls(ACTIVATIONS, model) as calls: ...; calls.made`."""

    def __init__(self, wanted: frozenset[str], model: nn.Module):
        super().__init__()
        self.wanted = wanted
        self.made: list[Call] = []
        self.counts: Counter[str] = Counter()
        self.path = ModulePath(model)

    def __enter__(self) -> Calls:
        self.path.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.path.__exit__(*error)
        super().__exit__(*error)

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords = kwargs or {}
        result = function(*args, **keywords)
        name = name_of(function)
        if name in self.wanted:
            index, self.counts[name] = self.counts[name], self.counts[name] + 1
            node = getattr(result, "grad_fn", None)
            self.made.append(Call(name, index, self.path.current, running_line(2), function, args, keywords, result, node))
        return result

    def named_in(self, names: frozenset[str]) -> list[Call]:
        """The recorded calls of these functions, in order."""
        return [call for call in self.made if call.name in names]


def name_of(function: Callable) -> str:
    """A torch function's plain name; reading `tensor.data` counts as a call of `data`.

    >>> name_of(torch.relu), name_of(torch.Tensor.data.__get__)
    ('relu', 'data')
    """
    name = getattr(function, "__name__", "")
    return "data" if name == "__get__" and function == torch.Tensor.data.__get__ else name  # type: ignore[attr-defined]


_RESHAPING = ("View", "UnsafeView", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Permute", "T", "Alias", "Clone", "ToCopy", "Flatten")
_PASSED_OVER = tuple(f"{name}Backward" for name in (*_RESHAPING, "Slice", "Select", "Expand", "Split", "Unbind", "AsStrided"))


def closing(tensor: Tensor, calls: list[Call]) -> Call | None:
    """The recorded call whose result this tensor is, through nothing but reshaping and slicing."""
    node = tensor.grad_fn
    if node is None:
        return next((c for c in reversed(calls) if isinstance(c.result, Tensor) and c.result.data_ptr() == tensor.data_ptr()), None)
    while node is not None:
        made = next((call for call in reversed(calls) if call.node is node), None)
        if made is not None or not type(node).__name__.startswith(_PASSED_OVER):
            return made
        node = node.next_functions[0][0] if node.next_functions else None
    return None
