"""Samples that are all padding to an attention layer, though they hold real data: what newer torch answers with zeros, not with NaN.

Padding looks the same in every sample. Where the keys of two samples that are masked from end to end differ, data were masked. And where
nothing is to be differentiated, torch's encoder layers still answer with NaN.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import forward, loss_of
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import Call, Calls

_ATTENTION = frozenset(("multi_head_attention_forward",))
_DIFFERS = 1e-3  # of the largest key


@dataclasses.dataclass(frozen=True)
class PaddingCard(Observation):
    """`lost` of `samples` are masked from end to end in the first layer of attention, and count in the loss; `differ`: they hold data, and
    not the same; else their outputs are no numbers where a model is judged.
    """

    lost: int = 0
    samples: int = 0
    module: str = ""
    differ: bool = False

    @property
    def what(self) -> str:
        """What is known of them, to complete "samples that"."""
        return "hold data" if self.differ else "are given NaN in evaluation"

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[PaddingCard]:
        """One pass in evaluation mode; a backward one where samples are masked from end to end."""
        subject.model.eval()
        seeded(subject.seed)
        with torch.enable_grad(), Calls(_ATTENTION, subject.model) as calls:
            loss = loss_of(subject).loss
        call = calls.made[0] if calls.made else None
        masked = None if call is None else _masked(call)
        if call is None or masked is None or not masked.any():
            yield cls()
            return
        keys = call.arguments[1].detach()[:, masked]
        several = keys.shape[1] > 1 and _differ(keys)
        if not several and not (_differ(keys.transpose(0, 1)) and _spoilt(subject, masked)):
            yield cls()
            return
        (gradient,) = torch.autograd.grad(loss, call.result[0], allow_unused=True) if loss.requires_grad else (None,)
        counts = gradient is not None and bool(gradient[:, masked].any())
        yield cls(int(masked.sum()) if counts else 0, len(masked), call.module, several)


def _masked(call: Call) -> Tensor | None:
    """The samples whose keys are all masked; None where nothing is, or something is always there to look at."""
    padding = call.keywords.get("key_padding_mask")
    if padding is None or padding.ndim != 2 or call.arguments[1].ndim != 3 or call.arguments[7] is not None or call.arguments[9]:
        return None
    return ((padding == -math.inf) if padding.is_floating_point() else padding).all(1)


def _spoilt(subject: Subject, masked: Tensor) -> bool:
    """Whether the outputs of just these samples are no numbers when a model is judged, without gradients: torch computes otherwise then."""
    seeded(subject.seed)
    with torch.no_grad():
        output, _ = forward(subject, subject.batch)
    found = next((t for t in tensors(output) if t.is_floating_point() and t.shape[:1] == masked.shape), None)
    return found is not None and bool((found.flatten(1).isfinite().all(1) == ~masked).all())


def _differ(keys: Tensor) -> bool:
    """Whether two samples' keys of the same place differ."""
    return bool((keys.amax(1) - keys.amin(1)).max() > _DIFFERS * keys.abs().max())
