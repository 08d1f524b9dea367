"""What a table of shapes must hold, counted in other ways than dldebug does: plain hooks, `sum(p.numel())`, torch's counter of FLOPs."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.rnn import PackedSequence
from torch.utils.flop_counter import FlopCounterMode

from .architecture import Architecture, call


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a module: its path, its class, and shape, dtype and device of all tensors in its output, depth first."""

    path: str
    kind: str
    outputs: tuple[tuple[tuple[int, ...], str, str], ...]


@dataclasses.dataclass(frozen=True)
class Counted:
    """What was counted.

    calls: in the order in which they begin. own: by path, how many numbers a called module holds without its submodules (an attention with
    the projection that it uses without calling it), each parameter counted at the first call of a module that holds it. flops: what torch's
    counter says of the pass as it runs. arithmetic: what it says where every fused kernel is written out (attention by products, LSTMs
    without MKL-DNN, encoder layers off their fast path): what is really multiplied.
    """

    calls: tuple[Call, ...]
    parameters: int
    trainable: int
    own: dict[str, int]
    flops: int
    arithmetic: int


def counted(architecture: Architecture) -> Counted:
    """Three passes through fresh models: one with hooks, two with the counter."""
    model, batch = architecture.make()
    calls = _calls(model, batch)
    own: dict[str, int] = {}
    seen: set[int] = set()
    called = dict.fromkeys(entry.path for entry in calls)
    for path in called:
        new = [p for p in _used(model.get_submodule(path), path, called) if id(p) not in seen]
        seen.update(id(p) for p in new)
        own[path] = sum(p.numel() for p in new)
    every = list(model.parameters())
    return Counted(
        calls,
        sum(p.numel() for p in every),
        sum(p.numel() for p in every if p.requires_grad),
        own,
        _flops(architecture),
        _arithmetic(architecture),
    )


def _used(module: nn.Module, path: str, called: Mapping[str, None]) -> list[nn.Parameter]:
    """A module's own parameters, and those of a child that torch's attention multiplies by without calling it."""
    uncalled = [child for name, child in module.named_children() if f"{path}.{name}".lstrip(".") not in called]
    within = uncalled if isinstance(module, nn.MultiheadAttention) else []
    return [p for part in (module, *within) for p in part.parameters(recurse=False)]


def _calls(model: nn.Module, batch: Any) -> tuple[Call, ...]:
    begun: list[list[Any]] = []
    running: list[list[Any]] = []
    handles = []

    def watch(path: str, module: nn.Module) -> None:
        def before(module: nn.Module, args: Any) -> None:
            entry = [path, type(module).__name__, ()]
            begun.append(entry)
            running.append(entry)

        def after(module: nn.Module, args: Any, output: Any) -> None:
            running.pop()[2] = tuple((tuple(t.shape), str(t.dtype).removeprefix("torch."), t.device.type) for t in leaves(output))

        handles.extend([module.register_forward_pre_hook(before), module.register_forward_hook(after)])

    for path, module in model.named_modules():
        if not isinstance(module, torch.jit.ScriptModule):
            watch(path, module)
    try:
        _quietly((model, batch))
    finally:
        for handle in handles:
            handle.remove()
    return tuple(Call(*entry) for entry in begun)


def _quietly(made: Any) -> None:
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using `torch.compile")  # the counter's hooks are global
        torch.manual_seed(0)
        call(made)


def _flops(architecture: Architecture) -> int:
    made = architecture.make()
    with FlopCounterMode(display=False) as counter:
        _quietly(made)
    return counter.get_total_flops()


def _arithmetic(architecture: Architecture) -> int:
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about other processors
            with sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False):
                return _flops(architecture)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def leaves(output: Any) -> list[Tensor]:
    """Every tensor in an output, depth first."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, PackedSequence):
        return [output.data]
    if isinstance(output, Mapping):
        return [leaf for value in output.values() for leaf in leaves(value)]
    if isinstance(output, (tuple, list)):
        return [leaf for value in output for leaf in leaves(value)]
    if dataclasses.is_dataclass(output):
        return [leaf for field in dataclasses.fields(output) for leaf in leaves(getattr(output, field.name))]
    return []
