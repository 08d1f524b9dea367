"""What an object is, down to the bytes: the tests' own comparison, which knows nothing of how the engine restores or checks.

`state_of(subject)` is a flat table, path -> what is there: identity, bytes, flags, hooks. Two tables are equal when nothing has changed;
`differences` says where they are not.
"""

from __future__ import annotations

import collections
import functools
import random
import signal
import types
import warnings
import weakref
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.nn.parameter import UninitializedTensorMixin

ATOMS = (str, bytes, int, float, complex, bool, type(None), torch.dtype, torch.device, torch.Size, slice)
ROLES = ("model", "loss_fn", "optimizer", "train", "val", "scheduler", "step", "batch")
SWITCHES = {
    "grad mode": torch.is_grad_enabled,
    "inference mode": torch.is_inference_mode_enabled,
    "default dtype": torch.get_default_dtype,
    "default device": torch.get_default_device,
    "threads": torch.get_num_threads,
    "anomaly": lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
    "deterministic": lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
    "cudnn": lambda: tuple(getattr(torch.backends.cudnn, flag) for flag in ("enabled", "benchmark", "deterministic", "allow_tf32")),
    "warning filters": lambda: [id(entry) for entry in warnings.filters],
    "showwarning": lambda: id(warnings.showwarning),
    "stop button": lambda: id(signal.getsignal(signal.SIGINT)),
    "python random": random.getstate,
    "numpy random": lambda: [part.tobytes() if isinstance(part, numpy.ndarray) else part for part in numpy.random.get_state()],
    "torch random": lambda: torch.get_rng_state().numpy().tobytes(),
    "global hooks": lambda: [len(v) for k, v in vars(torch.nn.modules.module).items() if k.endswith("_hooks") and isinstance(v, dict)],
    "function modes": lambda: torch._C._len_torch_function_stack(),
    "dispatch modes": lambda: torch._C._len_torch_dispatch_stack(),
}


class State(dict):
    """The table, and the objects in it, kept alive so that no identity is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[Any] = []


def state_of(subject: Any, **more: Any) -> State:
    """Everything about a subject's objects, about `more`, and about the process."""
    state, seen = State(), {}
    for name, thing in [*((role, getattr(subject, role)) for role in ROLES), *more.items()]:
        _walk(state, seen, name, thing)
    for name, read in SWITCHES.items():
        state[name] = read()
    state.alive.append(seen)
    return state


def differences(before: State, after: State) -> list[str]:
    """Where the tables differ, and how, most of it cut off."""
    paths = sorted(before.keys() | after.keys())
    return [f"{path}: {str(before.get(path))[:90]} -> {str(after.get(path))[:90]}" for path in paths if before.get(path) != after.get(path)]


def _walk(state: State, seen: dict[int, str], path: str, thing: Any) -> None:
    if isinstance(thing, ATOMS):
        state[path] = (type(thing).__name__, repr(thing))
        return
    if isinstance(thing, (types.ModuleType, type, weakref.ReferenceType)):
        state[path] = ("just", id(thing) if not isinstance(thing, weakref.ReferenceType) else id(thing()))
        return
    if id(thing) in seen:
        state[path] = ("the same as", seen[id(thing)])
        return
    if isinstance(thing, (tuple, types.MethodType)):  # made anew at each look
        state[path] = type(thing).__qualname__
    else:
        seen[id(thing)] = path
        state.alive.append(thing)
        state[path] = (id(thing), type(thing).__qualname__, id(type(thing)))
    for name, part in _parts(thing):
        _walk(state, seen, f"{path}{name}", part)


def _parts(thing: Any) -> list[tuple[str, Any]]:
    parts: list[tuple[str, Any]] = []
    if isinstance(thing, Tensor):
        parts = _of_tensor(thing)
    elif isinstance(thing, numpy.ndarray):
        parts = [(".bytes", thing.tobytes()), (".shape", str(thing.shape))]
    elif isinstance(thing, dict):
        parts = [(f"[{key!r}]" if isinstance(key, ATOMS) else f"[{number}]", pair) for number, (key, pair) in enumerate(_pairs(thing))]
    elif isinstance(thing, (list, tuple, collections.deque)):
        parts = [(f"[{number}]", item) for number, item in enumerate(thing)]
    elif isinstance(thing, (set, frozenset)):
        parts = [(".items", repr(sorted(repr(item) for item in thing)))]
    elif isinstance(thing, torch.Generator):
        parts = [(".state", thing.get_state().numpy().tobytes())]
    elif isinstance(thing, numpy.random.Generator):
        parts = [(".state", repr(thing.bit_generator.state))]
    elif isinstance(thing, random.Random):
        parts = [(".state", repr(thing.getstate()))]
    elif isinstance(thing, types.MethodType):
        parts = [(".self", thing.__self__), (".function", thing.__func__)]
    elif isinstance(thing, types.FunctionType):
        parts = [(f".closure[{number}]", cell.cell_contents) for number, cell in enumerate(thing.__closure__ or ())]
    elif isinstance(thing, functools.partial):
        parts = [(".function", thing.func), (".arguments", thing.args), (".keywords", thing.keywords)]
    held = getattr(thing, "__dict__", None)
    if isinstance(held, dict) and not isinstance(thing, types.MethodType):
        parts += [(f".{name}", value) for name, value in held.items()] + [(".names", " ".join(held))]
    slots = [name for kind in type(thing).__mro__ for name in vars(kind).get("__slots__", ()) if isinstance(name, str)]
    return parts + [(f".{name}", getattr(thing, name)) for name in slots if not name.startswith("__") and hasattr(thing, name)]


def _pairs(thing: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """Key, and key with value: the value where the key is plain, else both (an optimizer's state has tensors as keys)."""
    return [(key, value if isinstance(key, ATOMS) else (key, value)) for key, value in thing.items()]


def _of_tensor(tensor: Tensor) -> list[tuple[str, Any]]:
    parts: list[tuple[str, Any]] = [(".requires_grad", tensor.requires_grad), (".leaf", tensor.is_leaf)]
    if isinstance(tensor, UninitializedTensorMixin):
        return parts
    plain = tensor.detach()
    if plain.is_sparse:
        parts += [(".indices", plain._indices().numpy().tobytes()), (".values", plain._values().numpy().tobytes())]
    else:
        parts += [
            (".bytes", plain.clone(memory_format=torch.contiguous_format).flatten().view(torch.uint8).numpy().tobytes()),
            (".stride", str(plain.stride())),
        ]
    parts += [(".dtype", str(plain.dtype)), (".shape", str(tuple(plain.shape))), (".version", tensor._version)]
    if tensor.is_leaf or tensor.retains_grad:
        parts.append((".grad", tensor.grad))
    hooks = (tensor._backward_hooks or {}, getattr(tensor, "_post_accumulate_grad_hooks", None) or {})
    return [*parts, (".hooks", [len(held) for held in hooks].__repr__())]
