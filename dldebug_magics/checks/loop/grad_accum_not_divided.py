from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward, StepSeen
from ...observations.training_loop import TrainingLoop, rewritten
from ...observations.training_loop.by_hand import changed
from ...observations.training_loop.course import suffers, too_long
from ...observations.training_loop.reading import at, stepping, steps_of
from ..small_loops import task


@check(severity=Severity.WARNING)
def grad_accum_not_divided(loop: TrainingLoop) -> Iterator[Evidence]:
    """Several batches make one step, and their losses are added up without being divided by their number.

    Each loss is a mean. The sum of k of them has k times the gradient of one batch of all samples: with plain SGD, a rate k times as high.

    Shows as: a loss that leaps or climbs, at a rate that is right without accumulation.
    Proven by: nothing but its cure; the graph of each loss shows no division, and the losses do not come down.
    Not this when: the loss falls all the same: then the rate suits the sum, and it is a note; the optimizer does not mind the scale (Adam).
    Fails: a division by a hook of the loss or of a parameter is not looked for; one of the gradients, by hand, is seen.
    See: torch docs, "Automatic mixed precision examples", gradient accumulation; Deep Learning Tuning Playbook, batch size.
    """
    for number in stepping(loop):
        steps = [(step, last) for step, last in steps_of(loop, number) if _is_known(step) and not last.closure]
        counts = Counter(_undivided(step) for step, _ in steps)
        together, often = counts.most_common(1)[0] if counts else (0, 0)
        if together < 2 or often < 0.7 * len(steps) or not loop.optimizers[number].facts.minds_scale:
            continue
        own = [e for step, _ in steps for e in step.events if isinstance(e, Backward)]
        facts = (
            Fact("backward passes that make one step", str(together)),
            Fact("what each loss is divided by", "1", str(together)),
            too_long(loop, own),
        )
        edits = rewritten.divided(own[-1].line, together)
        fix = Fix("Divide each loss by the number of batches that make a step.", f"(loss / {together}).backward()", edits=edits)
        yield Evidence(Confidence.LIKELY, facts, at(own[-1].line), fix, severity=None if suffers(loop, own) else Severity.NOTE)


def _is_known(step: StepSeen) -> bool:
    return all(e.terms for e in step.events if isinstance(e, Backward))


def _undivided(step: StepSeen) -> int:
    """How many backward passes from one line have a mean as loss, as it is; 0 where there are others, too."""
    passes = [e for e in step.events if isinstance(e, Backward)]
    whole = [e for e in passes if e.terms and all(t.reduction == "mean" and abs(t.factor - 1) < 1e-6 for t in e.terms[:1])]
    return len(whole) if len(whole) == len(passes) and len({e.line for e in passes}) == 1 and not changed(step.events) else 0


def _program(divided: bool, rate: float = 4.0) -> Callable[[], None]:
    net, optimizer, batches, _ = task(rate=rate, batch=4)

    def train() -> None:
        for _ in range(6):
            for number, (x, y) in enumerate(batches, 1):
                loss = nn.functional.mse_loss(net(x), nn.functional.one_hot(y, 4).float())
                (loss / 8 if divided else loss).backward()
                if number % 8 == 0:
                    optimizer.step()
                    optimizer.zero_grad()

    return train


@grad_accum_not_divided.bad
def added_up() -> Callable[[], None]:
    return _program(divided=False)


@grad_accum_not_divided.good
def divided_by_eight() -> Callable[[], None]:
    return _program(divided=True, rate=0.5)
