from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from torch import Tensor

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop, rewritten
from ...observations.training_loop.depth import grown
from ...observations.training_loop.reading import at
from ..small_loops import task

_FIX = "Keep what goes into it inside its domain."
_MODERATE = 1e3  # times the first loss
_WHAT = {"inputs": "what enters the first layer", "weights": "the weights, since the step before"}
_WRITTEN = {"log": "torch.log(x.clamp(min=1e-8))", "division": "x / (y + 1e-8)", "sqrt": "torch.sqrt(x + 1e-8)"}
_WRITTEN |= {"exp": "torch.exp(x.clamp(max=80))", "mean of no labels": "assert (labels != -100).any()  # all are left out by ignore_index"}


@check(severity=Severity.ERROR)
def nan_inf_numeric(loop: TrainingLoop) -> Iterator[Evidence]:
    """A loss that is no number (NaN) or infinite comes up, and stays.

    The logarithm of 0, a division by 0, the slope of a root at 0, an exponential of more than 88: one spoils every weight in a step.

    Shows as: a loss of nan or inf from some step on.
    Proven by: the graph of the first such loss: the earliest operation that was given what is outside its domain.
    Not this when: later losses are finite again; the loss grew for many steps first; a gradient explodes, or float16 can't hold a number.
    Fails: where the step before spoilt the weights, the operation is only the likely one; on an accelerator, losses are read now and then.
    See: FSDL, "the five most common bugs": "numerical instability - inf/NaN, often from exp, log or division".
    """
    seen, losses = loop.spoilt, loop.losses
    if seen is None or not losses or math.isfinite(losses[-1]):
        return
    before = [abs(loss) for loss in losses if math.isfinite(loss)]
    grew = bool(before) and max(before) > _MODERATE * max(before[0], 1.0)
    decided, narrow = seen.because in ("operation", "inputs"), any(o.facts.lost_epsilon for o in loop.optimizers)
    if grew or (not decided and (narrow or seen.because == "half" or any(grown(loop)))):
        return
    line = seen.line if seen.line.place else [e.line for e in loop.of(Backward)][-1]
    facts = [Fact("first step whose loss is not finite", f"{seen.number + 1}", "none")]
    if seen.because in _WHAT:
        facts.append(Fact("what was not finite then", _WHAT[seen.because], "nothing"))
    if seen.operation and seen.because != "inputs":
        span = "" if math.isnan(seen.low) else f" ({seen.low:.3g} to {seen.high:.3g})"
        facts.append(Fact("operation at the edge of its domain", seen.operation + span, "inside it"))
    fix = Fix(_FIX, _WRITTEN.get(seen.operation, "assert torch.isfinite(loss)"), edits=rewritten.inside_its_domain(line, seen))
    yield Evidence(Confidence.PROVEN if decided else Confidence.LIKELY, tuple(facts), at(line), fix)


def _program(margin: float) -> Callable[[], None]:
    net, optimizer, batches, _ = task(rate=1.0)

    def surprise(shares: Tensor, y: Tensor) -> Tensor:
        return -(shares.gather(1, y[:, None]) * (shares.argmax(1) == y)[:, None] + margin).log().mean()

    def train() -> None:
        for x, y in [*batches, *batches, *batches]:
            optimizer.zero_grad()
            surprise(net(x).softmax(1), y).backward()
            optimizer.step()

    return train


@nan_inf_numeric.bad
def logarithm_of_zero() -> Callable[[], None]:
    return _program(margin=0.0)


@nan_inf_numeric.good
def logarithm_with_a_margin() -> Callable[[], None]:
    return _program(margin=0.1)
