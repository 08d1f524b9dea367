"""Where a layer's features stand in a tensor: a linear layer writes them along its last axis; views and activations keep them there."""

from __future__ import annotations

from torch import Tensor

from .calls import Call

LINEAR = frozenset(("linear",))
_KEEPING = "View UnsafeView Reshape Clone Alias ToCopy LogSoftmax Softmax Relu Tanh Sigmoid NativeDropout"
_PASSED_OVER = tuple(f"{name}Backward" for name in _KEEPING.split())


def features_last(tensor: Tensor, calls: list[Call]) -> bool:
    """Whether the last axis is that of a linear layer's outputs: no axis was moved on the way from one of these calls.

    >>> import torch
    >>> from torch import nn
    >>> from .calls import Calls
    >>> layer = nn.Linear(4, 6)
    >>> with Calls(LINEAR, layer) as calls:
    ...     scores = layer(torch.zeros(2, 6, 4))
    >>> features_last(scores, calls.made), features_last(scores.transpose(1, 2), calls.made)
    (True, False)
    """
    node = tensor.grad_fn
    while node is not None:
        made = next((call for call in calls if call.node is node), None)
        if made is not None:
            return tensor.ndim > 1 and made.result.shape[-1] == tensor.shape[-1]
        if not type(node).__name__.startswith(_PASSED_OVER) or not node.next_functions:
            return False
        node = node.next_functions[0][0]
    return False
