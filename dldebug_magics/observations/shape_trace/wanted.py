"""What the layer that broke was built for, and what it was given: one axis, two numbers."""

from __future__ import annotations

from torch import nn

from .failure import Failure
from .reader import Wanted

_MULTIPLYING = ("matmul", "__matmul__", "__rmatmul__", "mm", "bmm")


def wanted(failure: Failure | None) -> Wanted | None:
    """What the failing layer reads; None where no layer failed, or it got what it reads."""
    if failure is None or failure.phase not in ("forward", "second pass") or not failure.inputs:
        return None
    found = _by_layer(failure) if hasattr(nn, failure.module_kind) else _by_parameter(failure)
    if found is None or not found.given.shape or (found.fits_rank and found.got == found.size):
        return None
    return found


def _by_layer(failure: Failure) -> Wanted | None:
    kind, held, given = failure.module_kind, failure.settings, failure.inputs[0]
    spatial = int(kind[-2]) if kind[-2:] in ("1d", "2d", "3d") else 0

    def reads(family: str, setting: str) -> Wanted:
        size = held[setting][-1] if isinstance(held[setting], tuple) else held[setting]
        return Wanted(
            family, kind, failure.module, given, size, setting, spatial, outputs=held.get("out_features", held.get("out_channels", 0))
        )

    if "in_features" in held:
        return reads("linear", "in_features")
    if "in_channels" in held and "kernel_size" in held:
        return reads("conv", "in_channels")
    if "num_features" in held:
        return reads("norm", "num_features")
    if "normalized_shape" in held and len(held["normalized_shape"]) == 1:
        return reads("layer_norm", "normalized_shape")
    if "num_groups" in held:
        return reads("norm", "num_channels")
    if "input_size" in held:
        return reads("recurrent", "input_size")
    return reads("attention", "embed_dim") if "embed_dim" in held else None


def _by_parameter(failure: Failure) -> Wanted | None:
    """A functional call: the axis of the parameter that meets the data's."""
    place = next((at for at, origin in enumerate(failure.origins) if at and origin.kind == "parameter"), None)
    if place is None:
        return None
    name, shape, call = failure.origins[place].name, failure.inputs[place].shape, failure.operation

    if len(shape) < 2:
        return None

    def reads(family: str, size: int, axis: int, spatial: int = 0) -> Wanted:
        return Wanted(family, call, failure.module, failure.inputs[0], size, name, spatial, name, shape, axis)

    if call == "linear":
        return reads("linear", shape[1], 1)
    if call in ("conv1d", "conv2d", "conv3d"):
        return reads("conv", shape[1] * failure.arguments.get("groups", failure.arguments.get("6", 1)), 1, int(call[-2]))
    return reads("linear", shape[-2], len(shape) - 2) if call in _MULTIPLYING else None


def transposable(failure: Failure) -> bool:
    """Whether a product with a parameter would do with that parameter transposed."""
    found = wanted(failure)
    return found is not None and found.kind in _MULTIPLYING and found.parameter_shape[-1] == found.got
