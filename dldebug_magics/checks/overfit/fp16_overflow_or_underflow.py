from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.precision import in_float32
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.half_precision import HalfPrecisionCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def fp16_overflow_or_underflow(half: HalfPrecisionCard, setup: SetUp, run: OverfitBatch) -> Iterator[Evidence]:
    """Numbers leave the range of float16, which ends at 65504 and knows nothing below 6e-8.

    300 times 300 is infinite there, small gradients are 0, and so is Adam's epsilon of 1e-8, so that its first step divides by 0.
    Parameters belong in float32; autocast with a gradient scaler, or bfloat16, gives the speed without the trouble.

    Shows as: a loss of nan or inf, at once or from the second step on; or a loss that does not move.
    Proven by: the same program in float32 on a copy, which memorises the batch.
    Not this when: float16 stays inside its range, the program is in bfloat16 or float32, or it learns all the same.
    Fails: a gradient scaler in a loop of your own is not seen here.
    See: torch.amp, "gradient scaling"; Micikevicius et al. 2018, "Mixed precision training".
    """
    if half.largest is not None and half.troubled and not run.passed:
        yield _evidence(half, half.largest, setup)


def _evidence(half: HalfPrecisionCard, largest: float, setup: SetUp) -> Evidence:
    facts = [Fact("largest number in float16", f"{largest:.3g}", "below 65504")]
    if half.overflow is not None:
        facts.append(Fact("first result that float32 holds and float16 does not", half.overflow[0], "none"))
    if half.backward_overflow is not None:
        facts.append(Fact("first result with an infinite gradient, in float16 only", half.backward_overflow[0], "none"))
    if half.lost_epsilon is not None:
        facts.append(Fact(f"{setup.optimizer}'s epsilon of {half.lost_epsilon:g}, in float16", "0", "above 0"))
    if half.vanished:
        facts.append(Fact("gradients in float16", "all 0", "some above 0"))
    return Evidence(
        Confidence.LIKELY,
        facts=tuple(facts),
        where=next((at[1] for at in (half.overflow, half.backward_overflow) if at is not None), ""),
        fix=Fix(
            "Keep the parameters in float32, and compute in bfloat16 where speed is wanted.",
            f"{setup.names['model']}.float()   # with torch.autocast('cuda', dtype=torch.bfloat16): around the forward pass",
            "float32",
        ),
        cure=in_float32,
        refuted_by="The same program in float32 that fares no better.",
    )


def _program(dtype: torch.dtype) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)).to(dtype), classes()
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points.to(dtype), labels))


@fp16_overflow_or_underflow.bad
def adam_in_float16() -> Subject:
    return _program(torch.float16)


@fp16_overflow_or_underflow.good
def adam_in_bfloat16() -> Subject:
    return _program(torch.bfloat16)


@fp16_overflow_or_underflow.good
def adam_in_float32() -> Subject:
    return _program(torch.float32)
