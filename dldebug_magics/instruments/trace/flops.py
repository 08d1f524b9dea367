"""Multiplications and additions below one call, counted as torch's own counter does: two for each pair of numbers multiplied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

COUNTED = frozenset(
    "linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d matmul __matmul__ __rmatmul__ mm bmm mv "
    "addmm addbmm baddbmm einsum tensordot dot chain_matmul multi_dot multi_head_attention_forward scaled_dot_product_attention lstm gru "
    "rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell cdist outer inner kron".split()
)


class FlopsBelow(TorchDispatchMode):
    """`with FlopsBelow() as counting: ...`; `counting.total`. Only the functions in COUNTED are worth its price."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords = kwargs or {}
        result = function(*args, **keywords)
        formula: Callable | None = flop_registry.get(function._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **keywords, out_val=result)
        return result
