"""How far back a graph reaches, by the order in which its nodes were made."""

from __future__ import annotations

import sys
from typing import Any

_NODES = 20_000  # that are visited
_LEAF = 2**63


def oldest(node: Any) -> int:
    """The number of the node in a graph that was made first."""
    pending, seen, first = [node], {node}, sys.maxsize
    while pending and len(seen) < _NODES:
        node = pending.pop()
        number = node._sequence_nr()
        first = min(first, number) if number < _LEAF else first
        fresh = [parent for parent, _ in node.next_functions if parent is not None and parent not in seen]
        seen.update(fresh)
        pending.extend(fresh)
    return first
