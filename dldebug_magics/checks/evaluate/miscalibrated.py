from __future__ import annotations

from collections.abc import Iterator

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ..small_splits import evaluated

_GAP = 0.05


@check(severity=Severity.NOTE)
def miscalibrated(seen: BiasVariance) -> Iterator[Evidence]:
    """The model is more or less sure than it is right, on data that it has not seen.

    Decisions that rest on its probabilities (a threshold, an expected cost) are wrong by as much. Its answers are not.

    Shows as: a mean confidence of 98 % with 90 % right answers.
    Proven by: the mean of (confidence - right) over a held-out split, with an interval that excludes 0.
    Not this when: only the class with the highest score matters.
    Fails: too sure here and too unsure there can cancel out.
    See: C. Guo et al. 2017, "On Calibration of Modern Neural Networks": temperature scaling.
    """
    for found in seen.sureness[-1:]:
        if abs(found.gap) >= _GAP and 0 not in found.interval:
            word = "surer" if found.gap > 0 else "less sure"
            size = f"{100 * found.gap:+.1f} points"
            span = f"95 % interval {100 * found.interval.low:.1f} to {100 * found.interval.high:.1f}"
            yield Evidence(
                Confidence.PROVEN,
                facts=(Fact(f"mean confidence less share of right answers, on {found.role}", f"{size}, {span}", "0"),),
                where=found.role,
                fix=Fix(f"It is {word} than right: divide the scores by a temperature, fitted on validation data.", "logits / temperature"),
                always=True,
                refuted_by="A calibration curve on the diagonal.",
            )


@miscalibrated.bad
def sure_and_wrong() -> Subject:
    return evaluated(human=0.09, train=100, val=110)


@miscalibrated.good
def sure_and_right() -> Subject:
    return evaluated(human=0.01, train=18, val=20)
