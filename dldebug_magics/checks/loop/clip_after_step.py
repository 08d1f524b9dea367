from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Move
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward
from ...instruments.watch.updates import Clip, Stepped
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, in_order
from ..small_loops import task


@check(severity=Severity.ERROR)
def clip_after_step(loop: TrainingLoop) -> Iterator[Evidence]:
    """Gradients are clipped after the step that they were to be clipped for.

    The step has used them whole, and the next clearing takes the clipped ones away.

    Shows as: the same jumps and spikes as without any clipping.
    Proven by: the order of the calls: backward, step, clip in each step, and a norm above the limit when the step was taken.
    Not this when: the limit is never reached, as where the norm is only read; gradients are clipped before the step as well.
    Fails: gradients that are clipped by hand are not seen.
    See: torch.nn.utils.clip_grad_norm_.
    """
    events = [e for e in in_order(loop) if isinstance(e, Backward | Clip | Stepped)]
    behind = list(_late(events))
    clips = [e for e in events if isinstance(e, Clip)]
    over = [clip for _, clip in behind if clip.by == "value" or clip.norm > clip.limit]
    if len(behind) < 3 or len(behind) < 0.9 * len(clips) or not over:
        return
    step, clip = behind[-1]
    facts = [Fact("clippings that came after their step", f"{len(behind)} of {len(clips)} looked at", "0")]
    highest = max((c.norm for c in over if not math.isnan(c.norm)), default=math.nan)
    if not math.isnan(highest):
        facts.append(Fact("largest norm that a step used", f"{highest:.3g}", f"{clip.limit:.3g} at most"))
    edits = (Move(clip.line.spot, step.line.spot),)
    fix = Fix("Clip between the backward pass and the step.", f"{clip.line.source}\n{step.line.source}", edits=edits)
    yield Evidence(Confidence.PROVEN, tuple(facts), at(clip.line), fix)


def _late(events: list) -> Iterator[tuple[Stepped, Clip]]:
    """A clipping right behind the step, and the step."""
    for first, second, third in zip(events, events[1:], events[2:], strict=False):
        if isinstance(first, Backward) and isinstance(second, Stepped) and isinstance(third, Clip) and not third.empty:
            yield second, third


def _program(before: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task(rate=0.5)

    def clip() -> None:
        nn.utils.clip_grad_norm_(net.parameters(), 0.1)

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                if before:
                    clip()
                optimizer.step()
                if not before:
                    clip()

    return train


@clip_after_step.bad
def after() -> Callable[[], None]:
    return _program(before=False)


@clip_after_step.good
def before() -> Callable[[], None]:
    return _program(before=True)
