"""A module's attributes kept as they were built: what its forward writes over them lasts for that call only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ..engine.subject import Subject


def names_kept(path: str) -> Callable[[Subject], Subject]:
    """The cure that has the module at `path` put its layers and methods back after each call, where tensors were written over them."""

    def cure(subject: Subject) -> Subject:
        module = subject.model.get_submodule(path)
        own, lists = set(vars(module)), {name: list(held) for name, held in vars(module).items() if isinstance(held, list)}
        module.__class__ = _lenient(type(module))

        def restore(module: nn.Module, *_: Any) -> None:
            written = [name for name, held in vars(module).items() if isinstance(held, Tensor) and _stands_for_code(module, name, own)]
            for name in written:
                del vars(module)[name]
            for name, items in lists.items():
                vars(module)[name][:] = items

        module.register_forward_hook(restore, always_call=True)
        return subject

    return cure


def _stands_for_code(module: nn.Module, name: str, own: set[str]) -> bool:
    return name in module._modules or (name not in own and callable(getattr(type(module), name, None)))


def _lenient(kind: type) -> type:
    """The module's class, but a tensor may be written over a layer: torch refuses that."""

    ordinary: Any = kind.__setattr__

    def write(self: nn.Module, name: str, value: Any) -> None:
        if isinstance(value, Tensor) and name in self._modules:
            vars(self)[name] = value
        else:
            ordinary(self, name, value)

    return type(kind.__name__, (kind,), {"__setattr__": write, "__module__": kind.__module__})
