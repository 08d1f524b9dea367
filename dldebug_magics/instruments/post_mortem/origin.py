"""Where an exception comes from: the ones that it was raised from, and whether torch itself or somebody's own `raise` made it."""

from __future__ import annotations

import dis
import re
import traceback
from collections.abc import Iterator
from pathlib import Path

import torch

_TORCH = str(Path(torch.__file__).parent)
_DATA = str(Path(_TORCH, "utils", "data"))
_OF_TORCH = re.compile(r"[Tt]ensor|\w+\(\)(:| received| got)|Dimension out of range|index out of range in self|for dimension \d+ with size")


def chain(error: BaseException) -> Iterator[Exception]:
    """An exception and those it was raised from, the last one first. A stop by the user ends it, and so does an accident in a handler."""
    link, seen = error, set[int]()
    while isinstance(link, Exception) and id(link) not in seen:
        seen.add(id(link))
        yield link
        before = link.__cause__
        if before is None and not link.__suppress_context__ and _is_raised(link):
            before = link.__context__
        if before is None:
            return
        link = before


def is_torchs(error: BaseException) -> bool:
    """Whether torch raised it: in a file of its own, or in compiled code that a line calls. A `raise` that others wrote is theirs."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not frames:
        return False
    filename = frames[-1].f_code.co_filename
    if filename.startswith(_TORCH) and not filename.startswith(_DATA):
        return True
    if _is_raised(error) or isinstance(error, RecursionError):
        return False
    return isinstance(error, RuntimeError) or (
        isinstance(error, (TypeError, IndexError, ValueError)) and bool(_OF_TORCH.search(str(error)))
    )


def _is_raised(error: BaseException) -> bool:
    """Whether a `raise` statement stands where it arose."""
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    if entry is None:
        return False
    code = entry.tb_frame.f_code
    return any(step.offset == entry.tb_lasti and step.opname == "RAISE_VARARGS" for step in dis.get_instructions(code))
