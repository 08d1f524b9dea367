"""Which axis of what is the time: what layers and operations for sequences say about the axes of their input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .row import Row

_RECURRENT = frozenset(("LSTM", "GRU", "RNN"))
_WORDS = frozenset(("Embedding", "EmbeddingBag", "embedding", "embedding_bag"))


def along(name: str, rows: Sequence[Row]) -> bool:
    """Whether something for sequences works along the axis of this name."""
    return any(names[place] == name for row in rows for names, place, _ in _places(row)) or any(_scores(name, row) for row in rows)


def swapped(rows: Sequence[Row]) -> bool:
    """Whether a layer takes for the time what was taken for the batch: nobody knows then which of the two is right."""
    return any(names[place] == "N" and sure for row in rows for names, place, sure in _places(row)) or any(
        _scores("N", row) for row in rows
    )


def lost(rows: Sequence[Row]) -> bool:
    """Whether what comes out knows nothing of what was taken for the batch: a sample keeps its place, a time may be summed up."""
    given = [form for row in rows if row.is_module and row.depth == 0 for form in row.outputs if form.shape]
    return bool(given) and not any("N" in name for form in given for name in form.names)


def _places(row: Row) -> Iterator[tuple[tuple[str, ...], int, bool]]:
    """The names of an input's axes, which of them is the time there, and whether that is certain."""
    for form in row.inputs[:1]:
        names: Any = form.names or ("",) * len(form.shape)
        if row.is_module and row.kind in _RECURRENT | {"MultiheadAttention"} and not form.packed:
            yield names, 0 if len(names) == 2 else int(bool(row.settings.get("batch_first"))), True
        elif row.kind == "scaled_dot_product_attention" and len(names) > 1:
            yield names, len(names) - 2, True
        elif row.kind in _WORDS and len(names) == 2 and form.dtype.startswith("int"):
            yield names, 1, False
        elif row.kind in ("Conv1d", "conv1d") and names and _width(row) > 1:
            yield names, len(names) - 1, False


def _width(row: Row) -> int:
    """Over how many places a convolution reaches."""
    return row.settings["kernel_size"][0] if row.is_module else row.inputs[1].shape[-1]


def _scores(name: str, row: Row) -> bool:
    """Whether it gives a square of places against places, as attention written by hand does."""
    return any(form.names[-2:] == (name, name) for form in row.outputs) and "softmax" in row.kind.lower()
