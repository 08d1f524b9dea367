from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.domain import WRITTEN, family, guarded
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments import ready_edits
from ...instruments.non_finite import BadOperation
from ...instruments.source_lines import where
from ...observations.cards.half_precision import HalfPrecisionCard
from ...observations.cards.inputs import InputCard
from ...observations.cards.numerics import NumericsCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def nan_inf_numeric(numerics: NumericsCard, inputs: InputCard, half: HalfPrecisionCard, run: OverfitBatch) -> Iterator[Evidence]:
    """A number that is none (NaN) or infinite comes up: in the batch, or out of one operation.

    The logarithm of 0, a division by 0, the slope of a root at 0, an exponential of more than 88: one spoils every weight in a step.

    Shows as: a loss of nan or inf.
    Proven by: the first operation that turned finite numbers into others, caught as it ran; and a copy with that operation guarded.
    Not this when: a masked -inf is taken up by a softmax, or fills a row of it (`fully_masked_attention_row`); numbers grew for many steps
    first, which is a matter of the learning rate.
    Fails: inside compiled or fused code only the fused operation is named; float16 out of its range is `fp16_overflow_or_underflow`.
    See: FSDL, "the five most common bugs": "numerical instability - inf/NaN, often from exp, log or division".
    """
    yield from (_in_the_batch(*row) for row in inputs.not_finite)
    culprit = None if half.troubled or inputs.not_finite else numerics.culprit
    named = culprit is not None and (culprit.masks_all or culprit.averages_nothing)  # these have checks of their own
    if culprit is not None and not named and (numerics.moderate or numerics.step == 0):
        yield _in_an_operation(culprit, numerics.step or 0)


def _in_the_batch(role: str, bad: int, count: int) -> Evidence:
    fact = Fact(f"{role} values of the batch that are not finite", f"{bad} of {count}", "0")
    fix = Fix(f"Find them where the {role}s are made, and drop or fill them.", "assert torch.isfinite(x).all()")
    return Evidence(Confidence.PROVEN, (fact,), fix=fix, always=True, refuted_by="A batch of finite numbers.")


def _in_an_operation(culprit: BadOperation, step: int) -> Evidence:
    span, kind = " and ".join(f"{low:.3g} to {high:.3g}" for low, high in culprit.inputs), family(culprit.name)
    edits = ready_edits.guarded(culprit.line, culprit.name, kind)
    done = f"{culprit.name} kept inside its domain"
    return Evidence(
        Confidence.PROVEN if step == 0 and not kind else Confidence.LIKELY,
        facts=(
            Fact("first operation with a non-finite result", f"{culprit.name} at step {step}", "none"),
            Fact("what went into it", span, "inside its domain"),
        ),
        where=where(culprit.module, culprit.line),
        fix=Fix(f"Keep what goes into {culprit.name} off the edge of its domain.", WRITTEN.get(kind, ""), done, edits),
        cure=guarded(culprit.name) if kind else None,
        always=step == 0,
        refuted_by="The same operation with finite results on this batch.",
    )


def _program(margin: float) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), classes()
    loss = lambda output, target: -torch.log(output.softmax(1).gather(1, target[:, None]) * (target[:, None] > 0) + margin).mean()  # noqa: E731
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), (points, labels))


@nan_inf_numeric.bad
def logarithm_of_zero() -> Subject:
    return _program(margin=0.0)


@nan_inf_numeric.good
def logarithm_with_a_margin() -> Subject:
    return _program(margin=1e-3)
