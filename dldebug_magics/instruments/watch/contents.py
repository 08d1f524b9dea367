"""What a batch holds, in a few numbers: a short word for its contents, and how its labels lie."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ...engine.nested import tensors

_MOST = 4096  # numbers of a tensor that are read, evenly spread
_OF_A_ROW = 1024


def content_of(given: Iterable[Tensor]) -> int:
    """A word for the numbers in these tensors, never 0 where there are some; it decides whether two batches are the same.

    >>> batch = torch.arange(6.0)
    >>> content_of([batch]) == content_of([batch.clone()]), content_of([batch]) == content_of([batch.flip(0)]), content_of([])
    (True, False, 0)
    """
    word = 0
    for tensor in given:
        if tensor.is_nested or tensor.is_quantized or tensor.layout is not torch.strided or not tensor.numel() or tensor.is_meta:
            continue
        try:
            row = tensor.detach().flatten()
            row = row.resolve_conj().resolve_neg() if row.is_complex() or row.is_neg() else row
            few = (row[:: row.numel() // _MOST] if row.numel() > _MOST else row).cpu().contiguous().view(torch.uint8).numpy()
        except RuntimeError:  # no numbers can be had within torch.func's transforms
            return 0
        word = zlib.crc32(few.data, zlib.crc32(repr(tuple(tensor.shape)).encode(), word)) or 1
    return word


def values_word(values: Tensor) -> int:
    """A word for the numbers alone, whatever their type and shape: labels stay the same ones when they are made a column of floats.

    >>> labels = torch.tensor([0, 1, 1])
    >>> values_word(labels) == values_word(labels.float()[:, None]), values_word(labels) == values_word(1 - labels)
    (True, False)
    """
    if values.is_complex() or values.is_quantized or values.layout is not torch.strided or not values.numel() or values.is_meta:
        return 0
    try:
        row = values.detach().flatten()
        return content_of([row[:: max(1, row.numel() // _MOST)].double()])
    except RuntimeError:  # as above
        return 0


def row_words(rows: Tensor) -> list[int]:
    """A word for each row, by at most 1024 of its numbers.

    >>> first, again, other = row_words(torch.tensor([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]]))
    >>> first == again, first == other
    (True, False)
    """
    few = rows.detach().reshape(len(rows), -1)
    few = few[:, :: max(1, few.shape[1] // _OF_A_ROW)].cpu().contiguous()
    return [zlib.crc32(row) for row in few.view(torch.uint8).numpy()]


def samples_in(batch: Any) -> int:
    """How many samples a batch holds: the length of its first tensor.

    >>> samples_in((torch.zeros(3, 2), torch.zeros(3)))
    3
    """
    return next((len(t) for t in tensors(batch) if t.ndim), 0)


def label_runs(batch: Any) -> tuple[float, int, int]:
    """How many labels in a row are equal, on average; how many different ones; the first. For the last row of whole numbers, if any.

    >>> label_runs((torch.zeros(6, 2), torch.tensor([0, 0, 0, 1, 1, 1])))
    (3.0, 2, 0)
    """
    rows = [t for t in tensors(batch) if t.ndim == 1 and not t.is_floating_point() and not t.is_complex() and len(t)]
    if not rows:
        return 0.0, 0, -1
    labels = rows[-1].detach().cpu()
    changes = int((labels[1:] != labels[:-1]).sum())
    return len(labels) / (changes + 1), int(labels.unique().numel()), int(labels[0])
