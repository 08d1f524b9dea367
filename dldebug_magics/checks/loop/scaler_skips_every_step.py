from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.updates import Scaled
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at
from ..small_loops import task

_SKIPPED = 10


@check(severity=Severity.ERROR)
def scaler_skips_every_step(loop: TrainingLoop) -> Iterator[Evidence]:
    """The gradient scaler skips every step: at no factor are the gradients finite.

    It leaves a step out where a gradient is inf or NaN, and halves its factor. A few steps at the beginning are normal; without an end
    it is not the factor that is too large.

    Shows as: weights that never move, without an exception, and a factor that falls and falls.
    Proven by: the calls: so many of `scaler.step`, and no step of the optimizer behind them, to the last.
    Not this when: steps are taken again after some that were skipped.
    Fails: whether it is a forward pass that overflows or a slope at the edge of a domain is not told apart.
    See: torch docs, "Automatic mixed precision", "loss is inf/NaN"; torch.amp.GradScaler.
    """
    asked = [e for e in loop.tail if isinstance(e, Scaled) and e.what == "step"]
    if len(asked) < _SKIPPED or loop.crash is not None or not loop.scalers[asked[-1].scaler].facts.enabled:
        return
    scales = [e.scale for e in loop.tail if isinstance(e, Scaled) and not math.isnan(e.scale)]
    facts = [Fact("calls of `scaler.step` since the optimizer's last step", f"{len(asked)}, all skipped", "a few at the beginning")]
    if scales:
        facts.append(Fact("factor of the scaler, first and last", f"{scales[0]:g} and {scales[-1]:g}", "steady after a few steps"))
    facts.append(Fact("steps of the optimizer", f"{loop.taken}", ""))
    fix = Fix(
        "Look for what is not finite before it is scaled: compute that part in float32, and keep roots, logarithms and divisions off zero.",
        "torch.autograd.set_detect_anomaly(True)   # names the operation",
    )
    yield Evidence(Confidence.PROVEN, tuple(facts), at(asked[-1].line), fix)


def _program(margin: float) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    scaler = torch.amp.GradScaler("cpu")

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                output = net(x)
                apart = ((output - output.detach()).square().sum(1) + margin).sqrt()
                scaler.scale(nn.functional.cross_entropy(output, y) + apart.mean()).backward()
                scaler.step(optimizer)
                scaler.update()

    return train


@scaler_skips_every_step.bad
def slope_of_a_root_at_zero() -> Callable[[], None]:
    return _program(margin=0.0)


@scaler_skips_every_step.good
def root_with_a_margin() -> Callable[[], None]:
    return _program(margin=1e-6)
