"""What the user's own metric does with a model's output, seen call by call: how predictions are made, compared with labels, and counted.

Torch's function door, as in `between.py`; open behind forward passes, at close looks in training and for the first evaluations.
What is followed is held weakly, and what is kept are numbers and lines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from ...engine.nested import tensors
from ..calls import LOSSES, name_of
from .averages import Average, average_at
from .between import restacked
from .choices import Choice, chosen, otherwise
from .compared import HELD_AGAINST, Compared, compared
from .counted import Counted
from .here import Here
from .trails import Trails, plain

_PASSES = 160  # of evaluations, that are looked at
_MOST = 600  # records of a kind
_READ = frozenset(("item", "tolist", "add"))
_PASSED = frozenset(("backward", "__get__", "__set__"))  # clearing gradients reads and sets an attribute of every weight


class Scores(TorchFunctionMode):
    """`compared` and `counted` are what was seen."""

    def __init__(self, here: Here):
        super().__init__()
        self.here, self.left = here, _PASSES
        self.is_open = self.hangs = self.evaluating = False
        self.step = 0
        self.trails = Trails()
        self.compared: list[Compared] = []
        self.counted: list[Counted] = []
        self.averages: dict[tuple[str, int], Average | None] = {}

    def due(self, close: bool, evaluating: bool) -> bool:
        """Whether what follows this forward pass is looked at."""
        return close if not evaluating else self.left > 0

    def open(self, output: Any, step: int, evaluating: bool) -> None:
        """Follow what becomes of an output."""
        self.step, self.evaluating = step, evaluating
        self.left -= evaluating
        for tensor in tensors(output):
            self.trails.follow(tensor, Choice(shape=tuple(tensor.shape)))
        self.again()

    def again(self) -> None:
        """Look on where there is something to follow: behind a backward pass or a step, which are made without this."""
        if self.trails.some() and not self.hangs:
            restacked(lambda above: [self, *above])
            self.hangs = True
        self.is_open = self.hangs

    def shut(self) -> None:
        """Look no longer for now."""
        self.is_open = False
        if self.hangs and self in _get_current_function_mode_stack():
            restacked(lambda above: [mode for mode in above if mode is not self])
            self.hangs = False

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if torch.compiler.is_compiling():
            return function(*args, **(kwargs or {}))
        given, called = kwargs or {}, name_of(function)
        if not self.is_open or called in _PASSED:
            return function(*args, **given)
        name = plain(called)
        try:
            result = function(*args, **given)
        except Exception:
            self._asks(self._compares, name, args, given, None)
            raise
        self._asks(self._seen, name, args, given, result)
        return result

    def _asks(self, look: Callable, *given: Any) -> None:
        try:
            with torch._C.DisableTorchFunction():
                look(*given)
        except Exception:  # a failure of ours costs the looks at the user's metric, and never the call
            self.is_open, self.left = False, 0

    def _seen(self, name: str, args: tuple, kwargs: dict, result: Any) -> None:
        if name in HELD_AGAINST and self._compares(name, args, kwargs, result):
            return
        trail = next((found for a in (*args[:2], *kwargs.values()) if (found := self.trails.of(a)) is not None), None)
        if trail is None:
            return
        if trail.count is not None:
            return self._counts(name, args, trail.count, result)
        if name in LOSSES and trail.choice is not None and isinstance(result, Tensor) and not result.ndim:
            count = Counted(self.here.nowhere, "loss", kwargs.get("reduction", "mean"), len(args[0]) if args[0].ndim else 1)
            return self.trails.follow(result, None, count=count)
        choice = chosen(name, trail.choice or Choice(), args, kwargs) if self.trails.of(args[0] if args else None) is trail else None
        if choice is not None:
            made = choice.how != (trail.choice or choice).how
            meant = otherwise(choice, args[0]) if made else trail.meant
            for tensor in tensors(result if choice.how != "argmax" or isinstance(result, Tensor) else result[1]):
                self.trails.follow(tensor, choice._replace(line=self.here()) if made else choice, meant)

    def _compares(self, name: str, args: tuple, kwargs: dict, result: Any) -> bool:
        """A comparison of something made of an output with something that was not."""
        pair = [a for a in (*args[:2], *kwargs.values()) if isinstance(a, Tensor)][:2]
        trails = [self.trails.of(a) for a in pair]
        mine = next((trail for trail in trails if trail is not None and trail.choice is not None), None)
        if len(pair) < 2 or mine is None or mine.choice is None or None not in trails or name not in HELD_AGAINST:
            return False
        other = pair[trails.index(None)]
        seen = compared(name, mine, pair, other, result)
        if seen is not None and len(self.compared) < _MOST:
            self.compared.append(seen._replace(line=self.here(), step=self.step, evaluating=self.evaluating))
        if name in ("eq", "ne") and isinstance(result, Tensor):
            self.trails.follow(result, None, count=Counted(self.here.nowhere, "hits", "", result.numel()))
        return True

    def _counts(self, name: str, args: tuple, count: Counted, result: Any) -> None:
        """What becomes of the hits of a batch, or of its loss."""
        if name in ("sum", "mean", "count_nonzero") and isinstance(result, Tensor):
            how = count.reduction or ("mean" if name == "mean" else "sum")
            return self.trails.follow(result, None, count=count._replace(reduction=how)) if not result.ndim else None
        if count.reduction and name in _READ:
            average = average_at(self.averages, 4)
            if average is not None and len(self.counted) < _MOST:
                value = next(float(a.detach()) for a in args if getattr(self.trails.of(a), "count", None) is count)
                told = count._replace(line=self.here(), step=self.step, evaluating=self.evaluating)
                self.counted.append(told._replace(value=value, average=average))
        elif name in ("float", "double", "int", "long", "cpu", "to", "detach", "data", "squeeze", "type") and isinstance(result, Tensor):
            self.trails.follow(result, None, count=count)
