"""A tuple, list or record where a tensor was wanted: who gave it, and which parts of it could be meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...cures.arguments import joined_for, output_picked, picked_from
from ...engine.evidence import Confidence, Fix
from ...engine.nested import tensors
from ...engine.subject import Subject
from .failure import Failure
from .history import targets_of

if TYPE_CHECKING:
    from . import ShapeTrace

_SAYS = (
    re.compile(r"must be (?:a )?Tensor, not (\w+)"),
    re.compile(r"'(tuple|list|dict|\w+Output\w*)' object has no attribute"),
    re.compile(r"^(tuple|list) indices must be integers or slices, not tuple"),
    re.compile(r"but got (tuple|list)"),
)
_TENSORS = frozenset(("Tensor", "int", "float", "str", "bool", "NoneType", "Parameter"))
Change = tuple[Confidence, Fix, Callable[[Subject], Subject]]


def container(failure: Failure) -> str:
    """The class of what stands in a tensor's place; empty where that isn't the matter."""
    if failure.kind not in ("TypeError", "AttributeError"):
        return ""
    found = next((match[1] for pattern in _SAYS if (match := pattern.search(failure.message))), "")
    return "" if found in _TENSORS else found


def changes(trace: ShapeTrace, failure: Failure, kind: str) -> Iterator[Change]:
    """What could be taken out of it, the most believable first."""
    if failure.phase == "loss":
        yield from _of_output(trace)
        return
    giver = next((row for row in reversed(trace.rows) if row.is_module and len(row.outputs) > 1), None)
    if giver is not None:
        yield from _of_module(trace, giver.path, len(giver.outputs[0].shape))
    elif kind in ("tuple", "list") and len({form.shape for form in failure.inputs}) == 1:
        fix = Fix("Stack the tensors into one.", "x = torch.stack(x)", "the tensors stacked into one")
        yield Confidence.LIKELY, fix, joined_for(failure.module, torch.stack)
        fix = Fix("Or put them side by side.", "x = torch.cat(x, dim=-1)", "the tensors side by side")
        yield Confidence.HINT, fix, joined_for(failure.module, lambda given: torch.cat(given, -1))


def _first(given: Any) -> Tensor:
    return next(tensors(given))


def _of_module(trace: ShapeTrace, path: str, rank: int) -> Iterator[Change]:
    whole = Fix(f"Take the first part of what `{path}` gives.", "out, *_ = ...; use out", f"the first part of what `{path}` gives")
    last = Fix("Take the outputs, of the last step only.", "out, _ = ...; use out[:, -1]", f"the last step of what `{path}` gives")
    flat = rank == 3 and all(len(target.shape) < 2 for target in targets_of(trace))
    if flat:
        yield Confidence.LIKELY, last, picked_from(path, lambda given: _first(given)[:, -1])
    yield Confidence.HINT if flat else Confidence.LIKELY, whole, picked_from(path, _first)


def _of_output(trace: ShapeTrace) -> Iterator[Change]:
    fix = Fix("Give the loss the tensor, not all that the model gives.", "loss = loss_fn(output[0], target)", "the output's first tensor")
    yield Confidence.LIKELY, fix, output_picked(_first)
    if len(trace.outputs) > 1:
        fix = Fix("Or its last tensor.", "loss = loss_fn(output[-1], target)", "the output's last tensor")
        yield Confidence.HINT, fix, output_picked(lambda given: list(tensors(given))[-1])
