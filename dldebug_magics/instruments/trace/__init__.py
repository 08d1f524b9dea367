"""What runs in one pass, in its order: every call of a module, and every operation that the user's own `forward` calls between them.

`with Trace(model) as trace: model(x)`; then `trace.entries`. Modules are seen by hooks, operations by torch's function mode. What runs
inside one of torch's own layers is that layer's business and makes no entry; what compiled or scripted code does is not seen.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from ..source_lines import running_spot
from .entry import Entry, Given
from .flops import COUNTED, Flops
from .origins import Origins

_QUIET = frozenset(  # they say what a tensor is, and make none
    "size dim ndimension stride numel nelement element_size storage_offset untyped_storage data_ptr is_contiguous is_floating_point "
    "is_complex is_pinned get_device has_names type item tolist __get__ __set__ __len__ __bool__ __index__ __int__ __float__ "
    "__format__".split()
)
_TURNED = frozenset(("T", "mT", "H", "mH", "real", "imag"))


class Trace(TorchFunctionMode):
    """One pass being watched. `entries` in the order of their beginning; `failed` is the entry in which an exception arose first.

    flops: whether multiplications are counted.
    """

    def __init__(self, model: nn.Module, *, flops: bool = True):
        super().__init__()
        self.model, self.flops = model, Flops() if flops else None
        self.entries: list[Entry] = []
        self.open: list[Entry] = []
        self.failed: Entry | None = None
        self.error: BaseException | None = None
        self.handles: list[Any] = []
        self.origins = Origins()
        self.phase = "forward"

    def __enter__(self) -> Trace:
        named = list(self.model.named_modules())
        scripted = {id(module): path for path, module in named if isinstance(module, torch.jit.ScriptModule)}
        if scripted:  # they take no hooks of their own
            self.handles.append(register_module_forward_pre_hook(self._opens_scripted(scripted)))
            self.handles.append(register_module_forward_hook(self._closes_scripted, always_call=True))
        for path, module in named:
            if id(module) in scripted:
                continue
            self.handles.append(module.register_forward_pre_hook(self._opens(path), with_kwargs=True))
            self.handles.append(module.register_forward_hook(self._closes, with_kwargs=True, always_call=True))
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        for handle in self.handles:
            handle.remove()

    def _opens(self, path: str) -> Callable:
        def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
            with torch._C.DisableTorchFunction():  # what is asked of tensors here is not the user's asking
                entry = Entry.of_module(path, module, Given(args, kwargs), len(self.open))
                entry.phase = self.phase
                if not self.open:
                    self.origins.note((args, kwargs), "input")
                self.entries.append(entry)
                self.open.append(entry)

        return before

    def _opens_scripted(self, paths: dict[int, str]) -> Callable:
        def before(module: nn.Module, args: tuple) -> None:
            if id(module) in paths:
                self._opens(paths[id(module)])(module, args, {})

        return before

    def _closes_scripted(self, module: nn.Module, args: tuple, output: Any) -> None:
        if self.open and self.open[-1].module is module and isinstance(module, torch.jit.ScriptModule):
            self._closes(module, args, {}, output)

    def _closes(self, module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        with torch._C.DisableTorchFunction():
            entry = self.open.pop()
            while entry.module is not module:  # one that was left without a word is closed with the one around it
                entry = self.open.pop()
            entry.gives(output)
            if output is None:
                self._fails(entry, sys.exc_info()[1], Given(args, kwargs))
            elif entry.path:
                self.origins.note(output, "module", entry.path)

    def _fails(self, entry: Entry, error: BaseException | None, given: Given) -> None:
        if error is not None and error is not self.error:
            self.failed, self.error, entry.given = entry, error, given

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        keywords, name = kwargs or {}, getattr(function, "__name__", "")
        inside = self.open[-1] if self.open else None
        try:
            if self.flops is not None and name in COUNTED:
                result, flops = self.flops.call(name, function, args, keywords)
            else:
                result, flops = function(*args, **keywords), 0
        except Exception as error:
            self._broke(name, Given(args, keywords), inside, error)
            raise
        if flops:
            for outer in self.open:
                outer.flops += flops
        if name == "__get__" and isinstance(result, Tensor):
            name = getattr(getattr(function, "__self__", None), "__name__", "")
            name = name if name in _TURNED else "size"
        if name not in _QUIET and (inside is None or not inside.is_torchs) and isinstance(result, (Tensor, tuple, list)):
            with torch._C.DisableTorchFunction():
                entry = Entry.of_operation(name, Given(args, keywords), inside, len(self.open))
                entry.flops = flops
                self._ended(entry, result)
        return result

    def _ended(self, entry: Entry, result: Any) -> None:
        """An operation that gave a tensor is an entry."""
        entry.gives(result)
        if entry.outputs:
            entry.phase, entry.spot = self.phase, running_spot(3)
            self.entries.append(entry)
            self.origins.note(result, "operation", entry.kind, entry.spot)

    def _broke(self, name: str, given: Given, inside: Entry | None, error: Exception) -> None:
        """The operation itself is the entry that failed, or the layer of torch's that called it."""
        if inside is not None and inside.is_torchs:
            failed = inside
        else:
            failed = Entry.of_operation(name, given, inside, len(self.open))
            failed.phase = self.phase
            self.entries.append(failed)
        failed.operation, failed.spot = name, running_spot(3)
        self._fails(failed, error, given)
