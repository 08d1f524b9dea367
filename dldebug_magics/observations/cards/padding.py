"""Samples that are all padding to an attention layer, though they hold real data: what newer torch answers with zeros, not with NaN.

Padding looks the same in every sample. Where the keys of two samples that are masked from end to end differ, data were masked.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import Call, Calls

_ATTENTION = frozenset(("multi_head_attention_forward",))
_DIFFERS = 1e-3  # of the largest key


@dataclasses.dataclass(frozen=True)
class PaddingCard(Observation):
    """`lost` of `samples` are masked from end to end in the first layer of attention, hold data, and count in the loss."""

    lost: int = 0
    samples: int = 0
    module: str = ""

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[PaddingCard]:
        """One pass in evaluation mode; a backward one where samples are masked from end to end."""
        subject.model.eval()
        seeded(subject.seed)
        with torch.enable_grad(), Calls(_ATTENTION, subject.model) as calls:
            loss = loss_of(subject).loss
        call = calls.made[0] if calls.made else None
        masked = None if call is None else _masked(call)
        if call is None or masked is None or masked.sum() < 2 or not _differ(call.arguments[1].detach()[:, masked]):
            yield cls()
            return
        (gradient,) = torch.autograd.grad(loss, call.result[0], allow_unused=True) if loss.requires_grad else (None,)
        counts = gradient is not None and bool(gradient[:, masked].any())
        yield cls(int(masked.sum()) if counts else 0, len(masked), call.module)


def _masked(call: Call) -> Tensor | None:
    """The samples whose keys are all masked; None where nothing is, or something is always there to look at."""
    padding = call.keywords.get("key_padding_mask")
    if padding is None or padding.ndim != 2 or call.arguments[1].ndim != 3 or call.arguments[7] is not None or call.arguments[9]:
        return None
    return ((padding == -math.inf) if padding.is_floating_point() else padding).all(1)


def _differ(keys: Tensor) -> bool:
    """Whether two samples' keys of the same place differ."""
    return bool((keys.amax(1) - keys.amin(1)).max() > _DIFFERS * keys.abs().max())
