"""Whether a weight is as torch made it: uniform within one over the root of its inputs, up to that limit and never beyond."""

from __future__ import annotations

from torch import Tensor


def at_first(weight: Tensor) -> bool:
    """Whether the entries are uniform between plus and minus one over the root of the inputs.

    >>> from torch import nn
    >>> layer = nn.Linear(64, 64)
    >>> at_first(layer.weight.detach()), at_first(1.1 * layer.weight.detach()), at_first(0.8 * layer.weight.detach())
    (True, False, False)
    """
    limit = weight[0].numel() ** -0.5
    shares = weight.float() / limit
    spread = float(shares.square().mean().sqrt()) * 3**0.5
    return 0.92 < float(shares.abs().max()) <= 1 + 1e-5 and 0.8 < spread < 1.2
