from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Argument
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.updates import Clip
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.course import fell
from ...observations.training_loop.reading import at, stepping, steps_of
from ..small_loops import task

_CLIPS = 8
_LEFT = 0.1  # of the gradient
_STILL = 0.1  # of the weights: the way of all steps together, at most


@check(severity=Severity.WARNING, hyperparameter=True)
def grad_clip_too_small(loop: TrainingLoop) -> Iterator[Evidence]:
    """Every step's gradient is clipped to a fraction of itself, and the weights hardly move.

    Clipping is for the rare step that would throw the weights away. A limit far below the usual norm is a lower learning rate in disguise.

    Shows as: a plateau near the first loss, with plain SGD; Adam divides the scale out again and does not mind.
    Proven by: nothing but its cure; the norms before the clipping, the way of all steps, and a loss that stays show it.
    Not this when: the loss comes down; the limit is seldom reached; the optimizer does not mind the scale.
    Fails: gradients that are clipped by hand are not seen.
    See: torch.nn.utils.clip_grad_norm_; Deep Learning Tuning Playbook: clip at about the 90th percentile of the norms.
    """
    numbers, clips = stepping(loop), [e for e in loop.of(Clip) if e.by == "norm" and e.norm > 0]
    if len(numbers) != 1 or len(clips) < _CLIPS or not loop.optimizers[numbers[0]].facts.minds_scale or loop.scalers:
        return
    norm, left = statistics.median(e.norm for e in clips), [e.limit / e.norm for e in clips]
    taken = [last for _, last in steps_of(loop, numbers[0]) if last.update > 0 and last.weights > 0]
    if not taken or max(left) > 1 or statistics.quantiles(left)[2] > _LEFT or not 0.7 < fell(loop) < 1.5:
        return
    way = statistics.median(last.update / last.weights for last in taken) * loop.taken
    if way > _STILL:
        return
    facts = (
        Fact("norm of the gradient before it is clipped, and the limit", f"{norm:.3g} and {clips[-1].limit:.3g}", "seldom above"),
        Fact("way of all steps, as a share of the weights' norm", f"{way:.1e}, if all had one direction", "more"),
        Fact("loss at the end, as a share of that at the start", f"{fell(loop):.2g}", "well below 1"),
    )
    code = clips[-1].line.source
    edit = Argument(clips[-1].line.spot, "clip_grad_norm_", "max_norm", f"{2 * norm:.2g}", 1)
    fix = Fix(f"Set the limit above the norm that most steps have, such as {2 * norm:.2g}.", code, edits=(edit,))
    yield Evidence(Confidence.LIKELY, facts, at(clips[-1].line), fix)


def _program(limit: float) -> Callable[[], None]:
    net, optimizer, batches, _ = task(rate=0.1)

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                nn.utils.clip_grad_norm_(net.parameters(), limit)
                optimizer.step()

    return train


@grad_clip_too_small.bad
def clips_at_a_thousandth() -> Callable[[], None]:
    return _program(1e-3)


@grad_clip_too_small.good
def clips_what_is_rare() -> Callable[[], None]:
    return _program(5.0)
