"""Attention rows that may look at nothing: unmasked before the softmax, which otherwise divides nothing by nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.subject import Subject
from .rewrite import rewritten


def unmasked(subject: Subject) -> Subject:
    """Every row of nothing but -inf looks at everything instead; where the softmax is the user's own, its result there is 0."""
    subject = rewritten(subject, {"softmax", "log_softmax"}, _softmax)
    subject = rewritten(subject, {"scaled_dot_product_attention"}, _attention)
    return rewritten(subject, {"multi_head_attention_forward"}, _many_heads)


def _softmax(function: Callable, scores: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    dim = kwargs.get("dim", args[0] if args else -1)
    empty = (scores == -math.inf).all(dim, keepdim=True)
    result = function(scores.masked_fill(empty, 0.0), *args, **kwargs)
    return result.masked_fill(empty, 0.0) if "log" not in function.__name__ else result


def _attention(function: Callable, query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None, *args: Any, **kwargs: Any) -> Tensor:
    mask = None if attn_mask is None else _added(attn_mask if attn_mask.is_floating_point() else ~attn_mask, query)
    return function(query, key, value, None if mask is None else _opened(mask), *args, **kwargs)


def _many_heads(function: Callable, query: Tensor, key: Tensor, *args: Any, **kwargs: Any) -> Any:
    """Both masks in one, because a row may be empty under both together: a causal mask over padding on the left."""
    attention, padding = kwargs.get("attn_mask"), kwargs.get("key_padding_mask")
    if query.ndim != 3 or (attention is None and padding is None):
        return function(query, key, *args, **kwargs)
    length, count, keys, heads = query.shape[0], query.shape[1], key.shape[0], args[2]  # behind value and width
    mask = query.new_zeros(count, heads, length, keys)
    if attention is not None:
        added = _added(attention, query)
        mask = mask + (added if added.ndim == 2 else added.view(count, heads, length, keys))
    if padding is not None:
        mask = mask + _added(padding, query)[:, None, None, :]
    whole = _opened(mask).view(count * heads, length, keys)
    return function(query, key, *args, **{**kwargs, "attn_mask": whole, "key_padding_mask": None, "is_causal": False})


def _added(mask: Tensor, like: Tensor) -> Tensor:
    """A mask as what is added to the scores; True means left out."""
    return mask.to(like.dtype) if mask.is_floating_point() else torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask, -math.inf)


def _opened(mask: Tensor) -> Tensor:
    return mask.masked_fill((mask == -math.inf).all(-1, keepdim=True), 0.0)
