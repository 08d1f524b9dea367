"""What a batch holds, in a few numbers: a short word for its contents, and how its labels lie."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ...engine.nested import tensors

_MOST = 4096  # numbers of a tensor that are read, evenly spread


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
