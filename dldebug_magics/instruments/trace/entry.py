"""One line of a trace: a module's call, or an operation between modules."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import Parameter
from torch.nn.utils.rnn import PackedSequence

from ..forms import Form, form, held
from ..source_lines import Line, Spot, line_at

_PLAIN = (Tensor, Parameter)
_TORCHS = ("torch.nn.modules", "torch.ao.", "torch.jit.")


@dataclasses.dataclass
class Given:
    """The arguments of a call. They are the user's tensors: whoever keeps them keeps their memory, so an entry lets them go."""

    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def tensors(self) -> list[Tensor | PackedSequence]:
        """The tensors among them."""
        return held((*self.arguments, *self.keywords.values())) if self.keywords else held(self.arguments)


@dataclasses.dataclass(slots=True)
class Entry:
    """What was called with what, and what came out.

    path: the module's name as in `named_modules`; for an operation, that of the module whose forward calls it. kind: the class of the
    module, or the operation's name. given: the arguments, kept only of a call that failed. operation: the torch function that raised.
    is_torchs: the call of one of torch's own layers, the inside of which is not the user's. new_bytes: the memory of what it returned,
    without what lies in the memory of its inputs. spot: where in the user's program it is called.
    """

    kind: str
    path: str
    depth: int
    inputs: tuple[Form, ...]
    module: nn.Module | None = None
    outputs: tuple[Form, ...] = ()
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    flops: int = 0
    new_bytes: int = 0
    spot: Spot | None = None
    operation: str = ""
    given: Given | None = None
    phase: str = "forward"
    is_torchs: bool = False
    memory: list[int] = dataclasses.field(default_factory=list)

    @property
    def line(self) -> Line:
        """The user's line that calls it."""
        return line_at(self.spot)

    @property
    def plain(self) -> dict[str, Any]:
        """The plain arguments of the operation that failed."""
        return {} if self.given is None else plain_ones(self.given)

    @classmethod
    def of_module(cls, path: str, module: nn.Module, given: Given, depth: int) -> Entry:
        """The call of a module."""
        kind, inputs = type(module), given.tensors
        entry = cls(kind.__name__, path, depth, tuple(map(form, inputs)), module, is_torchs=kind.__module__.startswith(_TORCHS))
        entry.memory = memory(inputs)
        return entry

    @classmethod
    def of_operation(cls, name: str, given: Given, inside: Entry | None, depth: int) -> Entry:
        """The call of a torch function, with the plain numbers among its arguments (`dim`, a target shape)."""
        inputs = given.tensors
        entry = cls(name, inside.path if inside is not None else "", depth, tuple(map(form, inputs)), settings=plain_ones(given))
        entry.memory = memory(inputs)
        return entry

    def gives(self, result: Any) -> None:
        """Write down what came out."""
        found = held(result)
        self.outputs = tuple(map(form, found))
        new = [t.data if isinstance(t, PackedSequence) else t for t in found if not set(memory([t])).intersection(self.memory)]
        self.new_bytes = sum(t.numel() * t.element_size() for t in new)


def memory(found: list[Tensor | PackedSequence]) -> list[int]:
    """Which pieces of memory these tensors lie in."""
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return []  # inside of vmap or grad tensors are shells
    plain = [t.data if isinstance(t, PackedSequence) else t for t in found]
    return [t.untyped_storage()._cdata for t in plain if type(t) in _PLAIN and t.layout is torch.strided and not t.is_quantized]


def plain_ones(given: Given) -> dict[str, Any]:
    """The numbers and words among the arguments, by their place or name."""
    placed = {str(place): value for place, value in enumerate(given.arguments) if _is_plain(value)}
    return placed | {name: value for name, value in given.keywords.items() if _is_plain(value)} if given.keywords else placed


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return isinstance(value, (int, float, str, bool))
