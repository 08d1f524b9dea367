"""What a kernel keeps beside its results, where no shape tells: oneDNN's LSTM holds gates and states for its backward pass.

Measured on torch 2.13 on a CPU; `tests/instruments/test_kernels.py` holds it against real runs. What a kernel takes and gives back inside
of one operation is in `scratch`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

_PAGE = 4096
_aten = torch.ops.aten
_MEANS = [
    getattr(_aten, name).default for name in ("mse_loss", "smooth_l1_loss", "soft_margin_loss", "binary_cross_entropy")
]  # these write their terms first, and the mean of them into the same memory


def kept(function: Any, args: tuple, result: Any) -> tuple[Tensor, int] | None:
    """The result of an operation that holds more than its shape says, and how many bytes that is."""
    if function in _MEANS and result.device.type == "cpu":
        return result, args[0].numel() * args[0].element_size()
    if function is not _aten.mkldnn_rnn_layer.default or not trains(args) or result[3].numel():
        return None
    (steps, samples, inputs), hidden = args[0].shape, args[2].shape[1]
    return result[3], lstm_bytes(steps, samples, inputs, hidden)


def trains(args: tuple) -> bool:
    """The last flag of a recurrent layer's call: in evaluation nothing is kept."""
    return [a for a in args if isinstance(a, bool)][-1]


def lstm_bytes(steps: int, samples: int, inputs: int, hidden: int) -> int:
    """What oneDNN keeps of one LSTM layer in one direction, in float32, each part on whole pages.

    >>> lstm_bytes(50, 16, 32, 64), lstm_bytes(3, 2, 7, 5)
    (3166208, 28672)
    """
    gates, wide = rounded(4 * hidden), rounded(max(inputs, hidden))
    gates += 16 if gates % 64 == 0 else 0
    states, more = 8 * (steps + 1) * samples, 4 * steps * samples
    parts = (more * gates, *3 * (states * wide,), *2 * (states * hidden,), more * rounded(hidden))
    return sum(_PAGE * math.ceil(part / _PAGE) for part in parts)


def rounded(width: int, block: int = 16) -> int:
    """The next multiple of a block.

    >>> rounded(3), rounded(16)
    (16, 16)
    """
    return math.ceil(width / block) * block
