"""What the user's code does between a model's forward pass and the backward pass, call by call: where the loss is made, and of what.

Torch's function door, open only at close looks and only between the two passes, so that no compiled model runs under it. The door hangs at
the bottom of torch's stack of modes, below any of the user's: what they enter or leave meanwhile is on top, as torch expects.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack, _pop_mode, _push_mode

from ...engine.nested import tensors
from ..broadcasts import Broadcast, Broadcasts
from ..calls import LOSSES, name_of
from ..source_lines import Line
from ..terms import Terms, meant
from .here import Here
from .lines import Lines
from .losses import Term


class Idle(NamedTuple):
    """A term of a loss through which no gradient goes: its value, what cut it off, and the user's line."""

    value: float
    cut: str
    line: Line


class _Call:
    """A call that is passed on from one observer to the next; it knows whether it was made, and what came of it."""

    def __init__(self, function: Callable):
        self.function, self.begun, self.ended, self.result = function, False, False, None
        self.__name__ = name_of(function)

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.begun = True
        self.result = self.function(*given, **named)
        self.ended = True
        return self.result


class Window(TorchFunctionMode):
    """Open from the end of a forward pass to the next pass of either kind; then `lines`, `broadcast` and `idle` say what was seen.

    `inward`: a loss is made within the model; then it should open before that pass.

    A backward pass begins inside the door, where it can't be taken off its hinges: then it stands shut until it can.
    """

    def __init__(self, here: Here):
        super().__init__()
        self.here = here
        self.is_open = self.hangs = self.within = self.inward = False
        self._forget()

    def _forget(self) -> None:
        self.lines, self.broadcasts, self.terms = Lines(), Broadcasts(), Terms()

    def open(self, output: Any) -> None:
        """Look at each call from here on; what was seen before stays. The output of the forward pass is the last of what was not seen."""
        for tensor in tensors(output):
            self.lines.add(tensor, Line)
        self.reopen(within=False)

    def reopen(self, within: bool) -> None:
        """Look at each call from here on; `within`: a model's own, too, which makes tables of pairs on purpose."""
        self.within = within
        if not self.hangs:
            restacked(lambda above: [self, *above])
        self.is_open = self.hangs = True

    def shut(self) -> None:
        """Look no longer; what was seen stays."""
        self.is_open = False
        if self.hangs and self in _get_current_function_mode_stack():
            restacked(lambda above: [mode for mode in above if mode is not self])
            self.hangs = False

    def close(self) -> None:
        """Look no longer, and forget."""
        if self.hangs:
            self.shut()
        if self.lines.numbers or self.lines.loose or self.terms.sums or self.terms.cuts:
            self._forget()

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if torch.compiler.is_compiling() or not self.is_open or name_of(function) == "backward":
            return function(*args, **(kwargs or {}))
        call = _Call(function)
        observed = functools.partial(self._seen, call)
        observed.__name__ = call.__name__  # type: ignore[attr-defined]
        try:
            return self.terms.__torch_function__(observed, types, args, kwargs)
        except Exception:
            if call.begun and not call.ended:
                raise  # the user's own
            self.is_open = False  # a failure of ours costs the look, and never the call
            return call.result if call.ended else function(*args, **(kwargs or {}))

    def _seen(self, call: _Call, *given: Any, **named: Any) -> Any:
        before = len(self.broadcasts.seen)
        result = self.broadcasts.__torch_function__(call, (), given, named)
        if not (isinstance(result, Tensor) and result.requires_grad) or (self.within and call.__name__ not in LOSSES):
            del self.broadcasts.seen[before:]  # an accuracy, or the like
        self.lines.add(result, self.here)
        self.lines.cut(result, given, self.here)
        return result

    def placed(self, term: Term) -> Term:
        """A term with the lines of its making, as far as they were seen; what was not, the model made."""
        found = term._replace(line=self.lines.of(term.number), source=self.lines.of(term.fed.number), turn=self.lines.of(term.turned))
        self.inward = self.inward or not found.line.place or bool(found.fed.through and not found.source.place)
        return found

    def broadcast(self) -> Broadcast | None:
        """The first broadcast between two tensors of equally many entries."""
        return next(iter(self.broadcasts.seen), None)

    def idle(self, loss: Tensor) -> tuple[Idle, ...]:
        """The terms of a loss that were cut off from the model, and not in so many words."""
        found = self.terms.of(loss)
        cut = [term for term in found if term.graph is None and term.cut and not meant(term.cut)]
        return tuple(Idle(t.value, t.cut, t.line) for t in cut) if len(cut) < len(found) else ()


def restacked(change: Callable[[list[TorchFunctionMode]], list[TorchFunctionMode]]) -> None:
    """Torch's stack of modes, lowest first, made another."""
    stack = _get_current_function_mode_stack()
    for _ in stack:
        _pop_mode()
    for mode in change(stack):
        _push_mode(mode)
