"""What runs in one pass, in its order: every call of a module, and every operation that the user's own `forward` calls between them.

`with Trace(model) as trace: model(x)`; then `trace.entries`. Modules are seen by hooks, operations by torch's function mode. What runs
inside one of torch's own layers is that layer's business and makes no entry; what compiled or scripted code does is not seen.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..calls import name_of
from ..forms import forms
from ..source_lines import running_line
from .entry import Entry, Given
from .flops import COUNTED, FlopsBelow
from .origins import Origin, Origins

_QUIET = frozenset(("size", "dim", "stride", "numel", "is_contiguous", "data_ptr", "__get__", "__set__", "__len__", "__bool__", "item"))


class Trace(TorchFunctionMode):
    """One pass being watched. `entries` in the order of their beginning; `failed` is the entry in which an exception arose first.

    flops: whether multiplications are counted. clock: whether the time of each module call is taken.
    """

    def __init__(self, model: nn.Module, *, flops: bool = True, clock: bool = False):
        super().__init__()
        self.model, self.flops, self.clock = model, flops, clock
        self.entries: list[Entry] = []
        self.open: list[Entry] = []
        self.failed: Entry | None = None
        self.error: BaseException | None = None
        self.handles: list[Any] = []
        self.origins = Origins()
        self.phase = "forward"

    def __enter__(self) -> Trace:
        for path, module in self.model.named_modules():
            if isinstance(module, torch.jit.ScriptModule):
                continue  # takes no hooks
            self.handles.append(module.register_forward_pre_hook(self._opens(path), with_kwargs=True))
            self.handles.append(module.register_forward_hook(self._closes, with_kwargs=True, always_call=True))
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        for handle in self.handles:
            handle.remove()

    def _opens(self, path: str) -> Callable:
        def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
            entry = Entry.of_module(path, module, Given(args, kwargs), len(self.open))
            entry.phase = self.phase
            entry.began = time.perf_counter() if self.clock else 0.0
            if not self.open:
                self.origins.note((args, kwargs), Origin("input"))
            self.entries.append(entry)
            self.open.append(entry)

        return before

    def _closes(self, module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        entry = self.open.pop()
        entry.seconds = time.perf_counter() - entry.began if self.clock else 0.0
        entry.outputs = forms(output)
        if output is None:
            self._fails(entry, sys.exc_info()[1], Given(args, kwargs))
        elif entry.path:
            self.origins.note(output, Origin("module", entry.path))

    def _fails(self, entry: Entry, error: BaseException | None, given: Given) -> None:
        if error is not None and error is not self.error:
            self.failed, self.error, entry.given = entry, error, given

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords, name = kwargs or {}, name_of(function)
        if name in _QUIET:
            return function(*args, **keywords)
        inside = self.open[-1] if self.open else None
        entry = None if inside is not None and inside.is_torchs else Entry.of_operation(name, Given(args, keywords), inside, len(self.open))
        counting = FlopsBelow() if self.flops and name in COUNTED else None
        try:
            with counting or contextlib.nullcontext():
                result = function(*args, **keywords)
        except Exception as error:
            failed = entry or inside
            if failed is not None:
                failed.operation, failed.line = name, running_line(2)
                self.entries += [entry] if entry is not None else []
                self._fails(failed, error, Given(args, keywords))
            raise
        self._ends(entry, result, counting.total if counting is not None else 0)
        return result

    def _ends(self, entry: Entry | None, result: Any, flops: int) -> None:
        for outer in self.open:
            outer.flops += flops
        if entry is not None and isinstance(result, (Tensor, tuple, list)):
            entry.outputs, entry.flops = forms(result), flops
            if entry.outputs:
                entry.line, entry.phase = running_line(3), self.phase
                self.entries.append(entry)
                self.origins.note(result, Origin("operation", entry.kind, entry.line))
