from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward, StepSeen
from ...instruments.watch.updates import Clip, Scaled
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at
from ..small_loops import task

_STEPS = 3


@check(severity=Severity.ERROR)
def clip_before_unscale(loop: TrainingLoop) -> Iterator[Evidence]:
    """Gradients are clipped while they are still multiplied by the scaler's factor.

    The factor is 65536 at first. What a limit of 1 leaves of such gradients is 1/65536 of what was meant when the step divides them again.

    Shows as: a loss that hardly falls with mixed precision, and falls without.
    Proven by: the order of the calls, scale, backward, clip, step, with no unscale between; and norms far above the limit each time.
    Not this when: `unscale_` comes before the clipping; the scaler is switched off; the limit is multiplied by the factor, too.
    Fails: gradients that are clipped by hand are not seen.
    See: torch docs, "Automatic mixed precision examples", gradient clipping.
    """
    steps = [step for step in loop.steps if step.close and any(isinstance(e, Clip) for e in step.events)]
    scaled = [(step, pair) for step in steps if (pair := _scaled(step)) is not None]
    if not any(s.facts.enabled for s in loop.scalers) or len(scaled) < _STEPS or len(scaled) < 0.9 * len(steps):
        return
    clip, factor = scaled[-1][1]
    facts = (
        Fact("clippings of gradients that were still scaled", f"{len(scaled)} of {len(steps)} looked at", "0"),
        Fact("factor of the scaler, and limit of the clipping", f"{factor:g} and {clip.limit:g}", "gradients divided by the factor first"),
        Fact("norm that was clipped", f"{clip.norm:.3g}", f"{clip.norm / factor:.3g}, unscaled"),
    )
    code, edits = changes.unscaled(clip, scaled[-1][0].events)
    fix = Fix("Unscale the gradients before they are clipped.", f"{code}\n{clip.line.source}", edits=edits)
    yield Evidence(Confidence.PROVEN, facts, at(clip.line), fix)


def _scaled(step: StepSeen) -> tuple[Clip, float] | None:
    """The clipping of gradients that nobody had unscaled, and the factor, where the limit is not made for it."""
    begins = max((i for i, e in enumerate(step.events) if isinstance(e, Backward)), default=len(step.events))
    factors = [e.scale for e in step.events if isinstance(e, Scaled) and e.what == "scale" and e.scale > 1]
    behind = step.events[begins:]
    unscaled = next((i for i, e in enumerate(behind) if isinstance(e, Scaled) and e.what == "unscale_"), len(behind))
    clip = next((e for e in behind[:unscaled] if isinstance(e, Clip)), None)
    return (clip, factors[-1]) if clip is not None and factors and clip.norm > clip.limit and clip.limit < 0.1 * factors[-1] else None


def _program(unscaled: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task(rate=0.1)
    scaler = torch.amp.GradScaler("cpu")

    def train() -> None:
        for x, y in batches:
            optimizer.zero_grad()
            scaler.scale(nn.functional.cross_entropy(net(x), y)).backward()
            if unscaled:
                scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()

    return train


@clip_before_unscale.bad
def while_scaled() -> Callable[[], None]:
    return _program(unscaled=False)


@clip_before_unscale.good
def unscaled_first() -> Callable[[], None]:
    return _program(unscaled=True)
