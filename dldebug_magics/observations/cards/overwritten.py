"""What one pass writes over a module's own layers and methods: looked for only where a pass broke over a tensor that can't be called."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.trace import Trace
from ..shape_trace import ShapeTrace
from ..shape_trace.passing import Pass


@dataclasses.dataclass(frozen=True)
class OverwrittenCard(Observation):
    """`path` of the module, and the attribute (`fc1`, `stages[0]`) that was a layer or a method before the pass and a tensor after it."""

    path: str
    name: str

    @classmethod
    def measure(cls, subject: Subject, trace: ShapeTrace) -> Iterator[OverwrittenCard]:
        """One pass, and a look at the attributes before and after it."""
        if trace.failure is None or trace.failure.kind != "TypeError":
            return
        if trace.failure.says("cannot assign", "as child module '"):
            yield cls(trace.failure.module, trace.failure.message.split("as child module '")[1].partition("'")[0])
        elif trace.failure.says("'Tensor' object is not callable"):
            before = {path: _code(module) for path, module in subject.model.named_modules()}
            Pass(subject, Trace(subject.model, flops=False)).run(again=False)
            for path, module in subject.model.named_modules():
                for name in _tensors(module):
                    if name in before.get(path, ()):
                        yield cls(path, name)
                        return


def _code(module: nn.Module) -> set[str]:
    """The names under which a module can be asked to do something."""
    named = {name for name in dir(type(module)) if callable(getattr(type(module), name, None))} | set(module._modules)
    return named | {name for name, value in _attributes(module) if callable(value)}


def _tensors(module: nn.Module) -> list[str]:
    return [name for name, value in _attributes(module) if isinstance(value, Tensor)]


def _attributes(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """Its own attributes, and the items of its plain lists."""
    for name, value in vars(module).items():
        yield name, value
        if isinstance(value, list):
            yield from ((f"{name}[{place}]", item) for place, item in enumerate(value))
