"""How many samples of a split are looked at: as many as are asked for, where reading them leaves time and memory for all else."""

from __future__ import annotations

import time
from typing import Any

from ...engine.nested import tensors
from ...engine.samples import portions

_FEWEST = 200  # samples, which say little enough
_BYTES = 2**28  # of one split
_LOOK = 32  # samples, to see what one costs


def affordable(source: Any, asked: int, seconds: float) -> int:
    """At most `asked` samples, as many as can be read in so many seconds; not fewer than 200, with which an interval is wide already."""
    began = time.monotonic()
    read = list(portions(source, _LOOK))
    count = sum(len(portion.numbers) or 1 for portion in read)
    each = (time.monotonic() - began) / max(1, count)
    size = sum(t.numel() * t.element_size() for portion in read for t in tensors(portion.batch)) / max(1, count)
    return max(min(asked, _FEWEST), int(min(asked, seconds / max(each, 1e-9), _BYTES / max(size, 1.0))))
