"""What a kernel takes and gives back inside of one operation: oneDNN lays pictures out in blocks of channels, a fused layer has steps.

Measured on torch 2.13 for float32 on a CPU; `tests/instruments/test_kernels.py` holds these against real runs. Other kernels, and those of
a GPU, are taken to need nothing of their own, which on the tested models is right to a few percent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .workspaces import rounded, trains

_aten = torch.ops.aten


def scratch(function: Any, args: tuple, result: Any) -> int:
    """The bytes that an operation takes beyond its results, until it ends."""
    rule = _RULES.get(function)
    on_cpu = rule is not None and all(a.device.type == "cpu" for a in args if isinstance(a, Tensor))
    return rule(args, result) if rule is not None and on_cpu else 0


def _convolved(args: tuple, result: Tensor) -> int:
    """Input, weights and result in blocks of channels; then the result both in blocks and as it is handed over. Or columns of patches."""
    backend = _backend(args[:3], args[3:9], None)
    if backend.endswith("Slow2d"):
        return _columns(args[1], result)
    if not backend.endswith("Mkldnn"):
        return 2 * _blocked(result.shape) if args[6] and args[0].dtype is torch.float32 else 0
    given, made = _blocked(args[0].shape, 4), _blocked(result.shape)
    return max(given + made + _blocked(args[1].shape) - _size(result), made)


def _convolved_back(args: tuple, result: Any) -> int:
    """The gradients of input and result in blocks of channels."""
    backend = _backend((*args[1:3], None), args[4:10], args[3])
    if not backend.endswith("Mkldnn"):
        return _columns(args[2], args[0]) if backend.endswith("Slow2d") else 0
    return _blocked(args[0].shape) + _blocked(args[1].shape, 4)


def _columns(weight: Tensor, result: Tensor) -> int:
    """The patches of the input under the kernel, side by side; a kernel of one place needs none."""
    if math.prod(weight.shape[2:]) == 1:
        return 0
    return result.shape[0] * math.prod(weight.shape[1:]) * math.prod(result.shape[2:]) * weight.element_size()


def _backend(tensors: Sequence[Any], options: Sequence[Any], bias: Any) -> str:
    """To which library torch gives this convolution; oneDNN's transposed one has no name."""
    return str(torch._C._select_conv_backend(*tensors, *options, bias))


def _blocked(shape: Sequence[int], least: int = 1) -> int:
    """The bytes of a picture in blocks of channels; with fewer channels than `least` it stays as it is."""
    block = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8
    samples, channels, *sides = shape
    return 0 if channels < least else 4 * samples * rounded(channels, block) * math.prod(sides)


def _recurrent(args: tuple, result: Any) -> int:
    """Gates of all steps and the weights laid out anew; in evaluation a wider input, too."""
    (steps, samples, inputs), hidden = args[0].shape, args[2].shape[1]
    wider = inputs if not trains(args) and inputs > hidden else 0
    return 4 * ((4 * hidden + wider) * steps * samples + 4 * hidden * (inputs + 2 * hidden))


def _recurrent_back(args: tuple, result: Any) -> int:
    """The gradients of gates and states, and the weights laid out anew."""
    (steps, samples, inputs), hidden = args[0].shape, args[2].shape[1]
    return 4 * (5 * hidden * steps * samples + 4 * hidden * (inputs + 2 * hidden))


def _encoder_layer(args: tuple, result: Tensor) -> int:
    """A fused transformer layer: queries, keys and values twice over, or with the attention's table; then the hidden units."""
    samples, steps, _ = args[0].shape
    table, hidden = args[2] * samples * steps * steps * 4, samples * steps * args[14].shape[0] * 4
    unit = _size(result)
    return max(table + 3 * unit, 6 * unit, hidden + 2 * unit) + (0 if args[8] else -unit)


def _interpolated(args: tuple, result: Tensor) -> int:
    """Both pictures with their channels last, where they are not so."""
    return _size(args[0]) + _size(result) if args[0].is_contiguous() else 0


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


_RULES: dict[Any, Callable[[tuple, Any], int]] = {
    _aten.convolution.default: _convolved,
    _aten.convolution_backward.default: _convolved_back,
    _aten.mkldnn_rnn_layer.default: _recurrent,
    _aten.mkldnn_rnn_layer_backward.default: _recurrent_back,
    _aten._transformer_encoder_layer_fwd.default: _encoder_layer,
    _aten.upsample_nearest2d.default: _interpolated,
    _aten.upsample_bilinear2d.default: _interpolated,
    _aten.mse_loss.default: lambda args, result: _size(args[0]),
    _aten.smooth_l1_loss.default: lambda args, result: _size(args[0]),
    _aten._embedding_bag.default: lambda args, result: _size(args[1]),
    _aten._embedding_bag_backward.default: lambda args, result: 3 * _size(args[1]),
}
