"""The autograd graph, walked from a loss down to its leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor


def nodes(result: Tensor) -> Iterator[Any]:
    """Every node of the graph behind a tensor, each once."""
    pending, seen = [result.grad_fn], set()
    while pending:
        node = pending.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            pending.extend(parent for parent, _ in node.next_functions)


def leaves(result: Tensor) -> list[Tensor]:
    """The tensors that a backward pass would give a gradient.

    >>> import torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> leaves((w * 3).sum())[0] is w
    True
    """
    if result.grad_fn is None:
        return [result] if result.requires_grad else []
    return [node.variable for node in nodes(result) if node.name() == "torch::autograd::AccumulateGrad"]
