"""Where a pass broke: in which phase, in which module, in which operation, with what it was given."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from ...engine.nested import tensors
from ...instruments.forms import Form, forms
from ...instruments.source_lines import NOWHERE, Line, raising, users_part
from ...instruments.trace import Trace
from ...instruments.trace.origins import Origin
from .row import settings


@dataclasses.dataclass(frozen=True)
class Failure:
    """An exception of the user's program, written down.

    phase: "forward", "loss", "backward", "step", or "second pass" (the first went well). kind, message: the exception's class and text.
    module, module_kind: path and class of the innermost module that was running, empty outside of the model. operation: the torch function
    that raised, empty where none did (the exception is the user's, a library's, or came from autograd). inputs: the tensors that the
    operation was given, or else the module, with their origins, and the least and the largest of whole numbers (None for all others).
    settings: the failing layer's plain attributes. arguments: the operation's plain ones.
    """

    phase: str
    kind: str
    message: str
    line: Line = NOWHERE
    module: str = ""
    module_kind: str = ""
    operation: str = ""
    inputs: tuple[Form, ...] = ()
    origins: tuple[Origin, ...] = ()
    ranges: tuple[tuple[int, int] | None, ...] = ()
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    traceback: str = ""

    @classmethod
    def of(cls, error: Exception, phase: str, trace: Trace | None = None) -> Failure:
        """Write an exception down; what was traced says where it arose."""
        text = "".join(traceback.format_exception(type(error), error, users_part(error)))
        told = cls(phase, type(error).__name__, str(error), raising(error), traceback=text)
        failed = trace.failed if trace is not None and trace.error is error else None
        if failed is None:
            return told
        module = next((entry for entry in trace.entries if entry.path == failed.path and entry.module is not None), None)  # type: ignore[union-attr]
        given = None if failed.given is None else (failed.given.arguments, failed.given.keywords)
        return dataclasses.replace(
            told,
            module=failed.path,
            module_kind=module.kind if module is not None else "",
            operation=failed.operation,
            inputs=forms(given) if given is not None else failed.inputs,
            origins=trace.origins.of(given, trace.model) if trace is not None else (),
            ranges=tuple(map(_range, tensors(given))),
            settings=settings(module) if module is not None else {},
            arguments=failed.plain,
        )

    def says(self, *pieces: str) -> bool:
        """Whether the message holds all these pieces."""
        return all(piece in self.message for piece in pieces)

    @property
    def first_line(self) -> str:
        """The message's first line."""
        return next(iter(self.message.strip().splitlines()), "")


def _range(tensor: Tensor) -> tuple[int, int] | None:
    """The least and the largest of whole numbers."""
    if (
        is_lazy(tensor)
        or tensor.is_meta
        or tensor.is_floating_point()
        or tensor.is_complex()
        or tensor.dtype is torch.bool
        or not tensor.numel()
    ):
        return None
    return int(tensor.min()), int(tensor.max())
