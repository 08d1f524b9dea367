"""Multiplications and additions of one call, counted as torch's own counter does: two for each pair of numbers multiplied.

Layers and products by a formula, everything else that multiplies by watching what it calls. Two of a CPU's own kernels, for attention and
for an LSTM, are unknown to torch's counter: they are counted as it counts the same thing elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import Parameter
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from ...engine.nested import parts

_PLAIN = (Tensor, Parameter)
_WATCHED = frozenset(
    "bilinear mv addbmm einsum tensordot dot chain_matmul multi_dot multi_head_attention_forward scaled_dot_product_attention lstm gru "
    "rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell cdist outer inner kron cov corrcoef matrix_power".split()
)


def _linear(result: Tensor, x: Tensor, weight: Tensor, *_: Any) -> int:
    return 2 * x.numel() * weight.shape[0]


def _convolution(result: Tensor, x: Tensor, weight: Tensor, *_: Any) -> int:
    return 2 * result.numel() * math.prod(weight.shape[1:])


def _transposed(result: Tensor, x: Tensor, weight: Tensor, *_: Any) -> int:
    return 2 * x.numel() * math.prod(weight.shape[1:])


def _product(result: Tensor, a: Tensor, b: Tensor, *_: Any) -> int:
    return 2 * result.numel() * a.shape[-1]


def _reversed(result: Tensor, b: Tensor, a: Tensor) -> int:
    return 2 * result.numel() * a.shape[-1]


def _added(result: Tensor, added: Tensor, a: Tensor, b: Tensor, *_: Any) -> int:
    return 2 * result.numel() * a.shape[-1]


_FORMULAS: dict[str, Callable[..., int]] = {
    "linear": _linear,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    **dict.fromkeys(("matmul", "__matmul__", "mm", "bmm"), _product),
    "__rmatmul__": _reversed,
    **dict.fromkeys(("addmm", "baddbmm"), _added),
}
COUNTED = _WATCHED | _FORMULAS.keys()


class Flops:
    """Calls a function and counts: `result, flops = counter.call(name, function, arguments, keywords)`, for the names in COUNTED.

    What was watched once is not watched again where the tensors look the same.
    """

    def __init__(self) -> None:
        self.known: dict[tuple[Any, ...], int] = {}

    def call(self, name: str, function: Callable, arguments: tuple, keywords: dict[str, Any]) -> tuple[Any, int]:
        """The function's result, and what it multiplied."""
        batched = torch._C._functorch.peek_interpreter_stack() is not None  # by vmap: the shapes are not the true ones
        formula = _FORMULAS.get(name)
        if formula is not None and not batched and _is_simple(arguments, keywords):
            result = function(*arguments, **keywords)
            return result, formula(result, *arguments)
        key = None if batched else _key(name, arguments, keywords)
        if key in self.known:
            return function(*arguments, **keywords), self.known[key]
        with FlopsBelow() as below:
            result = function(*arguments, **keywords)
        if key is not None:
            self.known[key] = below.total
        return result, below.total


def _is_simple(arguments: tuple, keywords: dict[str, Any]) -> bool:
    """Plain dense matrices, pictures or sequences, given by position."""
    given = [tensor for tensor in arguments[:3] if isinstance(tensor, Tensor)]
    if len(given) < 2 or "out" in keywords or "out_dtype" in keywords:
        return False
    return all(type(t) in _PLAIN and t.layout is torch.strided and not t.is_complex() and not t.is_quantized for t in given) and all(
        t.ndim > 1 for t in given[:2]
    )


def _key(name: str, arguments: tuple, keywords: dict[str, Any]) -> tuple[Any, ...] | None:
    """What decides how a call is carried out; None where that can't be told."""
    found, plain = [], []
    for part in parts((arguments, keywords)):
        if isinstance(part, Tensor):
            if type(part) not in _PLAIN or part.layout is not torch.strided:
                return None
            found.append((part.shape, part.stride(), part.dtype, part.device, part.requires_grad))
        elif part is None or isinstance(part, (bool, int, float, str)):
            plain.append(part)
        else:
            return None
    return (name, torch.is_grad_enabled(), tuple(found), tuple(plain))


def _attention(query: Tensor, key: Tensor, value: Tensor, *more: Any, **options: Any) -> int:
    return sdpa_flop_count(query.shape, key.shape, value.shape)


def _recurrent(steps: Tensor, from_input: Tensor, from_state: Tensor, *more: Any, **options: Any) -> int:
    return 2 * steps.shape[0] * steps.shape[1] * (from_input.numel() + from_state.numel())


_FUSED = {  # kernels that torch's counter takes for nothing
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "mkldnn_rnn_layer": _recurrent,
}


class FlopsBelow(TorchDispatchMode):
    """`with FlopsBelow() as counting: ...`; `counting.total`."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords = kwargs or {}
        result = function(*args, **keywords)
        packet = function._overloadpacket
        formula: Callable | None = flop_registry.get(packet) or _FUSED.get(packet.__name__)
        if formula is not None:
            self.total += formula(*args, **keywords, out_val=result)
        return result
