"""The frames of a traceback that tell what was going on: a module's call, a loss, a backward pass, an optimizer's step, a loader.

Frames are known by their file and function and by the `self` in them. Nothing is run, nothing is written to.
"""

from __future__ import annotations

import dataclasses
import enum
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from ...engine.nested import tensors
from ..calls import LOSSES

_TORCH = Path(torch.__file__).parent
_FILES = {str(_TORCH / file): file for file in ("nn/modules/module.py", "nn/functional.py", "_tensor.py", "autograd/__init__.py")}
_DATA = str(_TORCH / "utils" / "data")
_SCALER = str(_TORCH / "amp" / "grad_scaler.py")
_BACKWARD = {("_tensor.py", "backward"), ("autograd/__init__.py", "backward"), ("autograd/__init__.py", "grad")}
_WORKER = " in DataLoader worker process "
_LOSS_WORDS = ("loss", "criterion")


class Phase(enum.Enum):
    """The part of a training step in which an exception arose; OTHER is none of them, and not ours to explain."""

    FORWARD = "forward pass"
    LOSS = "loss"
    BACKWARD = "backward pass"
    STEP = "optimizer step"
    DATA = "data loading"
    OTHER = ""


@dataclasses.dataclass(frozen=True)
class Mark:
    """One telling frame: what it says, whose call it is (a module, an optimizer, a tensor), the frame, and those around it, outermost last.

    Only the traceback's own frames are read: a frame that still runs would hold on to what it is asked for.
    """

    phase: Phase
    owner: Any
    frame: FrameType
    around: tuple[FrameType, ...] = ()


def marks(error: BaseException) -> list[Mark]:
    """The telling frames of an exception, the outermost first."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    read = [(place, mark) for place, mark in enumerate(map(_mark, frames)) if mark is not None]
    found = [dataclasses.replace(mark, around=tuple(reversed(frames[:place]))) for place, mark in read]
    if _WORKER in str(error) and frames and frames[-1].f_code.co_name == "reraise":
        return [Mark(Phase.DATA, None, frames[-1])]
    calls = [place for place, mark in enumerate(found) if mark.phase is Phase.FORWARD]
    inner = calls[-1] if calls else -1
    return [mark for place, mark in enumerate(found) if not (_by_hand(mark) and place < inner)]


def _mark(frame: FrameType) -> Mark | None:
    filename, function = frame.f_code.co_filename, frame.f_code.co_name
    file = _FILES.get(filename, "")
    if filename.startswith(_DATA):
        return Mark(Phase.DATA, None, frame)
    if filename == _SCALER or (function in ("step", "wrapper") and isinstance(_owner(frame), torch.optim.Optimizer)):
        return Mark(Phase.STEP, _owner(frame), frame)
    if (file, function) in _BACKWARD:
        given = frame.f_locals
        return Mark(Phase.BACKWARD, next((given[name] for name in ("self", "tensors", "outputs") if name in given), None), frame)
    if (file == "nn/functional.py" and (function in LOSSES or function.endswith("_loss"))) or _is_loss_by_hand(frame):
        return Mark(Phase.LOSS, None, frame)
    owner = _owner(frame)
    if isinstance(owner, nn.Module) and (
        _is_method(frame, "forward") or (file == "nn/modules/module.py" and function.endswith("_call_impl"))
    ):
        return Mark(Phase.LOSS if is_loss(owner) else Phase.FORWARD, owner, frame)
    return None


def _owner(frame: FrameType) -> Any:
    """The object whose method runs: what its first parameter holds, or a variable `self`."""
    code = frame.f_code
    first = code.co_varnames[0] if code.co_argcount else "self"
    return frame.f_locals.get(first, frame.f_locals.get("self"))


def _is_method(frame: FrameType, name: str) -> bool:
    return frame.f_code.co_name == name and frame.f_code.co_varnames[:1] == ("self",)


def is_loss(module: nn.Module) -> bool:
    """Whether a module is a loss: one of torch's, or one whose name ends so and which has no layers to train.

    >>> is_loss(nn.CrossEntropyLoss()), is_loss(nn.Linear(1, 1))
    (True, False)
    """
    kind = type(module)
    trained = any(p.requires_grad for child in module.children() for p in child.parameters())
    return kind.__module__ == "torch.nn.modules.loss" or (kind.__name__.lower().endswith(_LOSS_WORDS) and not trained)


def _is_loss_by_hand(frame: FrameType) -> bool:
    """A function that is called a loss and was given two structures of tensors, of which one is to be trained, and no model."""
    code = frame.f_code
    if not any(word in code.co_name.lower() for word in _LOSS_WORDS) or code.co_filename.startswith(str(_TORCH)):
        return False
    given = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
    free = given[1:] if code.co_varnames[:1] == ("self",) else given
    found = [list(tensors(value)) for value in free[:2]]
    trained = any(tensor.requires_grad for several in found for tensor in several)
    return len(found) == 2 and all(found) and trained and not any(isinstance(value, nn.Module) for value in free)


def _by_hand(mark: Mark) -> bool:
    return mark.phase is Phase.LOSS and mark.owner is None and not mark.frame.f_code.co_filename.startswith(str(_TORCH))


def tensor_of(owner: Any) -> Tensor | None:
    """The tensor that a backward pass began at; the first of several."""
    return next(iter(tensors(owner)), None)
