from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Move
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward, StepSeen
from ...instruments.watch.updates import Clip, Stepped
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at
from ..small_loops import task

_STEPS = 3


@check(severity=Severity.ERROR)
def clip_before_backward(loop: TrainingLoop) -> Iterator[Evidence]:
    """Gradients are clipped before the backward pass that brings them.

    There is nothing to clip yet; the step uses the gradients whole.

    Shows as: the same jumps and spikes as without any clipping.
    Proven by: the order of the calls, clip, backward, step; and gradients that were not there when they were clipped.
    Not this when: gradients are clipped behind the backward pass as well; those of earlier passes are there already (accumulation).
    Fails: gradients that are clipped by hand are not seen.
    See: torch.nn.utils.clip_grad_norm_.
    """
    clipped = [step for step in loop.steps if step.close and any(isinstance(e, Clip) for e in step.events)]
    early = [step for step in clipped if _is_early(step)]
    if len(early) < _STEPS or len(early) < 0.9 * len(clipped):
        return
    last = early[-1]
    clip = next(e for e in last.events if isinstance(e, Clip))
    backward = next(e for e in reversed(last.events) if isinstance(e, Backward))
    facts = [Fact("clippings that found no gradient, right before the backward pass", f"{len(early)} of {len(clipped)} looked at", "0")]
    norms = [e.gradient for step in early for e in step.events if isinstance(e, Stepped)]
    if norms and max(norms) > clip.limit:
        facts.append(Fact("largest norm that a step used", f"{max(norms):.3g}", f"{clip.limit:.3g} at most"))
    edit = Move(clip.line.spot, backward.line.spot, after=True)
    fix = Fix("Clip between the backward pass and the step.", f"{backward.line.source}\n{clip.line.source}", edits=(edit,))
    yield Evidence(Confidence.PROVEN, tuple(facts), at(clip.line), fix)


def _is_early(step: StepSeen) -> bool:
    """Whether every clipping of a step found nothing, and came before the first backward pass."""
    clips = [(i, e) for i, e in enumerate(step.events) if isinstance(e, Clip)]
    first = next((i for i, e in enumerate(step.events) if isinstance(e, Backward)), -1)
    return all(i < first and (e.empty or e.norm == 0) for i, e in clips)


def _program(before: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task(rate=0.5)

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                if before:
                    nn.utils.clip_grad_norm_(net.parameters(), 0.1)
                loss.backward()
                if not before:
                    nn.utils.clip_grad_norm_(net.parameters(), 0.1)
                optimizer.step()

    return train


@clip_before_backward.bad
def before_the_pass() -> Callable[[], None]:
    return _program(before=True)


@clip_before_backward.good
def behind_the_pass() -> Callable[[], None]:
    return _program(before=False)
