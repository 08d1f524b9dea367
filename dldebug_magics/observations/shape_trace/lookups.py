"""A look-up in a table of vectors that broke: the table, and the numbers that were looked up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ...cures.layers import given_to, rebuilt, resized
from ...cures.mended import mended
from ...engine.subject import Subject
from ...instruments.forms import Form
from ...instruments.source_edits import module_expression
from ...instruments.trace.origins import Origin
from .failure import Failure

_AT = {"embedding": (1, 0), "embedding_bag": (1, 0), "__getitem__": (0, 1), "index_select": (0, 1)}  # table and numbers, by place


@dataclasses.dataclass(frozen=True)
class Lookup:
    """path: of the layer, empty where a parameter is read by a function. parameter: the table's name. lowest, highest: of the numbers."""

    path: str
    parameter: str
    table: Form
    ids: Form
    origin: Origin
    call: str
    lowest: int | None = None
    highest: int | None = None

    @property
    def rows(self) -> int:
        """How many vectors the table has."""
        return self.table.shape[0]

    @property
    def words(self) -> str:
        """The table in words."""
        return f"`{self.path or self.parameter}`"

    def grown(self, rows: int) -> Callable[[Subject], Subject]:
        """The cure that makes the table longer."""
        return rebuilt(self.path, num_embeddings=rows) if self.path else resized(self.parameter, (rows, *self.table.shape[1:]))

    def written(self, model: str, rows: int) -> str:
        """The line that makes it so."""
        if self.path:
            return f"{module_expression(model, self.path)} = nn.Embedding({rows}, {self.table.shape[1]})   # best where it is built"
        return f"{module_expression(model, self.parameter)} = nn.Parameter(torch.randn({(rows, *self.table.shape[1:])}))"

    def with_ids(self, change: Callable) -> Callable[[Subject], Subject]:
        """The cure that changes the numbers in front of the look-up."""
        if self.path:
            return given_to(self.path, change, self.ids.shape)
        return mended(
            {self.call}, lambda function, *args, **named: function(*(change(a) if a.shape == self.ids.shape else a for a in args))
        )


def lookup(failure: Failure | None) -> Lookup | None:
    """The look-up that raised; None where something else did."""
    if failure is None or failure.operation not in _AT or len(failure.inputs) < 2 or len(failure.origins) != len(failure.inputs):
        return None
    table, ids = _AT[failure.operation]
    held = failure.origins[table]
    if held.kind not in ("parameter", "buffer") or not failure.inputs[table].shape:
        return None
    path = failure.module if failure.module_kind in ("Embedding", "EmbeddingBag") else ""
    lowest, highest = failure.ranges[ids] or (None, None)
    return Lookup(path, held.name, failure.inputs[table], failure.inputs[ids], failure.origins[ids], failure.operation, lowest, highest)
