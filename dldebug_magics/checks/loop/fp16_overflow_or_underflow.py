from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward, Forward
from ...instruments.watch.updates import Stepped
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.course import stays
from ...observations.training_loop.reading import at
from ..small_loops import task

_LOST, _FEW = 2e-6, 5  # some thirty times the smallest number; passes
_ABOVE = Fix("Keep parameters in float32, and let autocast choose bfloat16.", "with torch.autocast(device, dtype=torch.bfloat16):")


@check(severity=Severity.ERROR)
def fp16_overflow_or_underflow(loop: TrainingLoop) -> Iterator[Evidence]:
    """Numbers leave the range of float16, which ends at 65504 and knows nothing below 6e-8.

    A product of large factors is infinite. Small gradients are 0, unless a scaler multiplies the loss first. And Adam's epsilon of 1e-8 is
    0 where the parameters themselves are in float16, so that its first step divides by 0.

    Shows as: a loss of nan or inf, at once or from the second step on; or a loss that does not move.
    Proven by: the first loss that is not finite: the same product in float32, or an epsilon of 0 and the weights after a step with it.
    Not this when: the loop is in bfloat16 or float32; the loss comes down, or is finite again after a batch; gradients are scaled.
    Fails: what overflows elsewhere than in a linear layer or a convolution is not told from other reasons.
    See: torch.amp, "gradient scaling"; Micikevicius et al. 2018, "Mixed precision training".
    """
    seen, epsilon = loop.spoilt, max((o.facts.lost_epsilon for o in loop.optimizers), default=0.0)
    if seen is not None and not math.isfinite(loop.losses[-1]):
        if seen.because == "half":
            what = f"largest entry of a product with `{seen.weight}` at step {seen.number + 1}, in float32"
            facts = [Fact(what, f"{max(-seen.low, seen.high):.3g}", "below 65504")]
            yield Evidence(Confidence.PROVEN, tuple(facts), at(list(loop.of(Forward))[-1].line), _ABOVE)
        elif seen.because == "weights" and epsilon:
            facts = [Fact(f"epsilon of {epsilon:g}, in the parameters' float16", "0", "above 0")]
            facts.append(Fact("weights that are no numbers", f"since step {seen.number}", "none"))
            yield Evidence(Confidence.PROVEN, tuple(facts), at(list(loop.of(Stepped))[-1].line), _ABOVE)
    elif not any(scaler.facts.enabled for scaler in loop.scalers) and stays(loop):
        yield from _underflow([e for e in loop.of(Backward) if e.halves is not None])


def _underflow(passes: list[Backward]) -> Iterator[Evidence]:
    found = [e.halves for e in passes if e.halves is not None]
    if len(found) >= _FEW and (largest := statistics.median(half.largest for half in found)) < _LOST:
        place = f"largest entry of the gradient at `{found[-1].weight}`, in float16"
        facts = Fact(place, f"{largest:.2g}", "above 6e-5"), Fact("entries that are 0", f"{found[-1].zero:.0%}", "")
        fix = Fix("Scale the loss, or take bfloat16.", "scaler.scale(loss).backward()")
        yield Evidence(Confidence.LIKELY, facts, at(passes[-1].line), fix)


def _program(dtype: torch.dtype) -> Callable[[], None]:
    net, optimizer, batches, _ = task(kind=torch.optim.Adam, rate=1e-2)
    net.to(dtype)

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x.to(dtype)), y).backward()
                optimizer.step()

    return train


@fp16_overflow_or_underflow.bad
def adam_in_float16() -> Callable[[], None]:
    return _program(torch.float16)


@fp16_overflow_or_underflow.good
def adam_in_bfloat16() -> Callable[[], None]:
    return _program(torch.bfloat16)
