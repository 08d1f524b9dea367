"""State that belongs to the process, not to the model: random numbers, grad mode, defaults, backend flags, warning filters, global hooks.

`restored` puts all of it back however its block ends; `taken` is the same list as plain values, for the fingerprint. Only what differs is
written: a setter may cost seconds (deterministic algorithms load a compiler) or have effects of its own (warnings are shown again).
"""

from __future__ import annotations

import contextlib
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import torch
import torch.utils._device

from . import generators
from .subject import Subject

Part = tuple[Callable[[], Any], Callable[[Any], Any]]  # how to read it, how to write it
_cudnn: Any = torch.backends.cudnn
_HOOKS = [
    (space, name)
    for space in (torch.nn.modules.module, sys.modules[torch.optim.Optimizer.__module__])
    for name, value in vars(space).items()
    if name.startswith("_global_") and name.endswith("hooks") and isinstance(value, dict)
]


def _flag(owner: Any, name: str) -> Part:
    return lambda: getattr(owner, name), lambda value: setattr(owner, name, value)


def _cudnn_precision() -> tuple[Any, ...]:
    """How exactly float32 is multiplied: a setting of each operation in newer torch, where asking for all at once may raise."""
    return (_cudnn.conv.fp32_precision, _cudnn.rnn.fp32_precision) if hasattr(_cudnn, "conv") else (_cudnn.allow_tf32,)


def _set_cudnn_precision(value: tuple[Any, ...]) -> None:
    """Where all operations agree, by the old switch for all, which is a state of its own beside the new ones."""
    if value in ((True,), (False,), ("tf32", "tf32"), ("none", "none")):
        _cudnn.allow_tf32 = value[0] in (True, "tf32")
    if hasattr(_cudnn, "conv"):
        _cudnn.conv.fp32_precision, _cudnn.rnn.fp32_precision = value


def _matmul_precision() -> Part:
    if hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        return _flag(torch.backends.cuda.matmul, "fp32_precision")
    return torch.get_float32_matmul_precision, torch.set_float32_matmul_precision


PARTS: dict[str, Part] = {
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default device": (lambda: torch.utils._device.CURRENT_DEVICE, torch.set_default_device),
    "cudnn.enabled": _flag(_cudnn, "enabled"),
    "cudnn.benchmark": _flag(_cudnn, "benchmark"),
    "cudnn.deterministic": _flag(_cudnn, "deterministic"),
    "cudnn's precision": (_cudnn_precision, _set_cudnn_precision),
    "matmul precision": _matmul_precision(),
    "deterministic algorithms": (
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
    ),
    "anomaly detection": (
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda value: torch.autograd.set_detect_anomaly(*value),
    ),
    "number of threads": (torch.get_num_threads, torch.set_num_threads),
    "warning filters": (lambda: tuple(warnings.filters), lambda value: _set_filters(value)),
    "global hooks": (lambda: [dict(getattr(*at)) for at in _HOOKS], lambda value: _set_hooks(value)),
}


def taken(subject: Subject) -> dict[str, Any]:
    """Everything ambient, by name."""
    values = {name: read() for name, (read, _) in PARTS.items()}
    values |= {name: read() for name, (read, _) in _random().items()}
    return {**values, "generators of the data": [(g, generators.state(g)) for g in generators.found(subject)]}


def put_back(values: dict[str, Any]) -> None:
    """Restore what `taken` took."""
    for name, (read, write) in PARTS.items():
        if read() != values[name]:
            write(values[name])
    for name, (_, write) in _random().items():
        if name in values:
            write(values[name])
    for generator, state in values["generators of the data"]:
        generators.restore(generator, state)


def _random() -> dict[str, Part]:
    """The global random states, those of an accelerator only once it is in use: asking would start it."""
    states: dict[str, Part] = {
        "python's random state": (random.getstate, random.setstate),
        "numpy's random state": (numpy.random.get_state, numpy.random.set_state),
        "torch's random state": (torch.get_rng_state, torch.set_rng_state),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states["cuda's random state"] = (torch.cuda.get_rng_state_all, torch.cuda.set_rng_state_all)
    if torch.backends.mps.is_available():
        states["mps's random state"] = (torch.mps.get_rng_state, torch.mps.set_rng_state)
    return states


def _set_filters(filters: tuple[Any, ...]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    if hasattr(warnings, "_filters_mutated"):
        warnings._filters_mutated()


def _set_hooks(kept: list[dict[Any, Any]]) -> None:
    for (space, name), hooks in zip(_HOOKS, kept, strict=True):
        held = getattr(space, name)
        held.clear()
        held.update(hooks)


@contextlib.contextmanager
def restored(subject: Subject) -> Iterator[None]:
    """Whatever the block does to ambient state is undone at its end."""
    values = taken(subject)
    try:
        yield
    finally:
        put_back(values)


def seeded(seed: int) -> None:
    """Seed python, numpy and torch alike: every run of an experiment starts from the same numbers.

    Not by `torch.manual_seed`, which leaves a seed behind for an accelerator that is started later.
    """
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
