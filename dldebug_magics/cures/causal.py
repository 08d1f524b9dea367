"""A model that does not see the future: attention under a causal mask, convolutions padded on the left, no way back in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..engine.subject import Subject
from .rewrite import rewritten

_RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")


def causal(subject: Subject) -> Subject:
    """Whatever lets a later step into an earlier one, closed, as far as torch's own functions do it."""
    for names, change in (
        ({"scaled_dot_product_attention"}, _attention),
        ({"multi_head_attention_forward"}, _many_heads),
        ({"softmax"}, _scores),
        ({"conv1d"}, _convolution),
        (set(_RECURRENT), _forward_only),
    ):
        subject = rewritten(subject, names, change)
    return subject


def _later(query: int, key: int, like: Tensor) -> Tensor:
    """0 for what may be seen, -inf for what comes later."""
    return torch.full((query, key), float("-inf"), dtype=like.dtype, device=like.device).triu(1)


def _attention(function: Callable, query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None, *args: Any, **kwargs: Any) -> Any:
    if query.shape[-2] != key.shape[-2]:
        return function(query, key, value, attn_mask, *args, **kwargs)
    later = _later(query.shape[-2], key.shape[-2], query)
    if attn_mask is not None:
        given = (
            attn_mask
            if attn_mask.is_floating_point()
            else torch.zeros_like(attn_mask, dtype=query.dtype).masked_fill(~attn_mask, -torch.inf)
        )
        later = later + given
    return function(query, key, value, later, *args, **{**kwargs, "is_causal": False})


def _many_heads(function: Callable, query: Tensor, key: Tensor, *args: Any, **kwargs: Any) -> Any:
    if query.shape[0] != key.shape[0] or kwargs.get("attn_mask") is not None:
        return function(query, key, *args, **kwargs)
    return function(query, key, *args, **{**kwargs, "attn_mask": _later(query.shape[0], key.shape[0], query), "is_causal": False})


def _scores(function: Callable, scores: Tensor, *args: Any, **kwargs: Any) -> Any:
    square = scores.ndim > 2 and scores.shape[-1] == scores.shape[-2]
    return function(scores + _later(scores.shape[-2], scores.shape[-1], scores) if square else scores, *args, **kwargs)


def _convolution(function: Callable, signal: Tensor, weight: Tensor, *rest: Any, **kwargs: Any) -> Any:
    words = ("bias", "stride", "padding", "dilation", "groups")
    given = {**dict(zip(words, (None, 1, 0, 1, 1), strict=True)), **dict(zip(words, rest, strict=False)), **kwargs}
    step = given["dilation"] if isinstance(given["dilation"], int) else given["dilation"][0]
    if given["padding"] in (0, (0,), "valid"):
        return function(signal, weight, **given)
    return function(functional.pad(signal, (step * (weight.shape[-1] - 1), 0)), weight, **{**given, "padding": 0})


def _forward_only(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """What a layer reads backwards becomes 0; only in a single layer, for the next one has mixed both."""
    output, *states = function(*args, **kwargs)
    flags = [argument for argument in args if isinstance(argument, bool)]
    if len(flags) < 3 or not flags[2] or states[0].shape[0] != 2:
        return (output, *states)
    width = output.shape[-1] // 2
    return (torch.cat([output[..., :width], torch.zeros_like(output[..., width:])], -1), *states)
