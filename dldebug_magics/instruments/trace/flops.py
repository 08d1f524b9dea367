"""Multiplications and additions below one call, counted as torch's own counter does: two for each pair of numbers multiplied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

COUNTED = frozenset(
    "linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d matmul __matmul__ __rmatmul__ mm bmm mv "
    "addmm addbmm baddbmm einsum tensordot dot chain_matmul multi_dot multi_head_attention_forward scaled_dot_product_attention lstm gru "
    "rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell cdist outer inner kron".split()
)


def _attention(query: Tensor, key: Tensor, value: Tensor, *more: Any, **options: Any) -> int:
    return sdpa_flop_count(query.shape, key.shape, value.shape)


def _recurrent(steps: Tensor, from_input: Tensor, from_state: Tensor, *more: Any, **options: Any) -> int:
    return 2 * steps.shape[0] * steps.shape[1] * (from_input.numel() + from_state.numel())


_FUSED = {  # kernels that torch's counter takes for nothing
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "mkldnn_rnn_layer": _recurrent,
}


class FlopsBelow(TorchDispatchMode):
    """`with FlopsBelow() as counting: ...`; `counting.total`. Only the functions in COUNTED are worth its price."""

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
