"""The small number that keeps an optimizer from dividing by 0, and that float16 makes 0."""

from __future__ import annotations

from typing import Any

import torch


def lost_epsilon(optimizer: Any) -> float:
    """An epsilon above 0 that is 0 in the float16 of its parameters; 0 where there is none."""
    for group in optimizer.param_groups:
        epsilon = group.get("eps")
        halves = any(p.dtype is torch.float16 for p in group["params"])
        if halves and isinstance(epsilon, float) and epsilon > 0 and not torch.tensor(epsilon, dtype=torch.float16):
            return epsilon
    return 0.0
