"""Masks and states of another length or batch than what they are for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...cures.layers import given_to
from ...cures.mended import mended
from ...engine.evidence import Fix
from ...engine.subject import Subject
from .failure import Failure

Repair = tuple[Fix, Callable[[Subject], Subject]]
_SIZES = re.compile(r"[\[(](\d+(?:, \d+)+)[\])]")


def of_masks(failure: Failure) -> Iterator[Repair]:
    """An attention mask made for another length."""
    call, by_key = failure.operation, "key_padding_mask"
    fix = Fix(
        "Make the mask as long as the sequence that attends.",
        "mask = generate_square_subsequent_mask(target.size(1))",
        "a mask of its length",
    )
    if failure.says(by_key):
        fix = Fix("The padding mask is batch x steps.", "mask = mask.transpose(0, 1)", "the padding mask transposed")

    def mend(function: Callable, query: Tensor, key: Tensor, *args: Any, **named: Any) -> Any:
        lengths = (query.shape[-2], key.shape[-2]) if call == "scaled_dot_product_attention" else (query.shape[0], key.shape[0])
        if named.get("attn_mask") is not None and not failure.says(by_key):
            named["attn_mask"] = _as_long(named["attn_mask"], lengths)
        elif named.get(by_key) is not None:
            named[by_key] = named[by_key].transpose(0, 1)
        return function(query, key, *args, **named)

    yield fix, mended({call}, mend)


def _as_long(mask: Tensor, lengths: tuple[int, int]) -> Tensor:
    """The mask cut to these lengths, or its pattern carried on: causal where it was."""
    for axis, length in zip((-2, -1), lengths, strict=True):
        mask = mask.narrow(axis, 0, min(length, mask.shape[axis]))
    missing = [n - m for m, n in zip(mask.shape[-2:], lengths, strict=True)]
    if not any(missing):
        return mask
    whole = functional.pad(mask, (0, missing[1], 0, missing[0]))
    if mask.shape[-1] > 1 and mask.is_floating_point() and bool(torch.isinf(mask[..., 0, 1]).all()):
        whole = torch.full(lengths, float("-inf"), device=mask.device, dtype=mask.dtype).triu(1)
    return whole


def of_states(failure: Failure) -> Iterator[Repair]:
    """A recurrent layer's first state, made for another batch."""
    found = [tuple(map(int, piece.split(", "))) for piece in _SIZES.findall(failure.message)]
    if len(found) < 2 or len(found[0]) != len(found[1]):
        return
    wanted, given = found[:2]
    axes = [axis for axis, (m, n) in enumerate(zip(wanted, given, strict=True)) if m != n]

    def change(state: Tensor) -> Tensor:
        for axis in axes:
            state = state.index_select(axis, torch.arange(wanted[axis], device=state.device) % given[axis])
        return state

    fix = Fix(
        "Make the first state for the batch at hand.",
        "torch.zeros(layers, x.size(0), hidden)",
        f"a first state of {' x '.join(map(str, wanted))}",
    )
    yield fix, given_to(failure.module, change, given)
