"""The words of the ledger: what kinds of memory there are, one piece of it, and the moment at which most was taken."""

from __future__ import annotations

import dataclasses

PARAMETERS, BUFFERS, GRADIENTS, STATE, BATCH = "parameters", "buffers", "gradients", "optimizer state", "batch"
ACTIVATIONS, TEMPORARIES = "activations", "temporaries"
KINDS = (PARAMETERS, BUFFERS, GRADIENTS, STATE, BATCH, ACTIVATIONS, TEMPORARIES)


@dataclasses.dataclass
class Entry:
    """A live storage: its bytes, what it is, and the module that made it."""

    size: int
    kind: str
    module: str


@dataclasses.dataclass(frozen=True)
class Peak:
    """The moment at which most memory was taken: how much, of what kind, in which phase of a step, and in which module."""

    total: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    phase: str = ""
    module: str = ""

    def of(self, kind: str) -> int:
        """The bytes of one kind.

        >>> Peak(3, (("batch", 1), ("activations", 2))).of("activations")
        2
        """
        return dict(self.kinds).get(kind, 0)
