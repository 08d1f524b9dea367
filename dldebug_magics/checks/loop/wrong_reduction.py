from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Either, Replace
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.losses import Term
from ...instruments.watch.updates import Stepped
from ...observations.training_loop import TrainingLoop, words
from ...observations.training_loop.course import always, suffers, too_long
from ...observations.training_loop.reading import at
from ..small_loops import task


@check(severity=Severity.WARNING)
def wrong_reduction(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loss is a sum over the samples, and its gradient grows with the batch.

    A sum over 32 samples is 32 times the mean, and so is its gradient: with plain SGD that is a rate 32 times as high.

    Shows as: a loss that goes up, explodes, or leaps at first and then stays at chance.
    Proven by: nothing but its cure; the graph of the loss shows the sum, and the losses do not come down.
    Not this when: the rate was chosen for the sum, and the loss falls; the optimizer does not mind the scale; the sum is divided.
    Fails: a mean over the wrong thing, such as the padding, is no sum.
    See: torch.nn.CrossEntropyLoss, `reduction`; FSDL, "overfit a single batch", error explodes.
    """
    seen = always(loop, _is_sum)
    steps = [step.events for step in loop.steps if seen is not None and any(e in seen.passes for e in step.events)]
    numbers = {last.optimizer for *_, last in steps if isinstance(last, Stepped)}
    if seen is None or not numbers or not all(loop.optimizers[n].facts.minds_scale for n in numbers):
        return
    if not suffers(loop, seen.passes):
        return
    facts = (
        Fact(f"reduction of `{seen.term.function}` in every pass", "sum", "mean"),
        Fact("samples that are summed over", str(seen.term.fed.samples)),
        too_long(loop, seen.passes),
    )
    spot, made = seen.line.spot, f"set:{words.loss_function(seen.line)}"
    written = [Replace(spot, f"{q}sum{q}", f"{q}mean{q}", around) for around in ("", made) for q in ('"', "'")]
    edit = Either((*written, Replace(spot, ".sum()", ".mean()")))
    fix = Fix("Take the mean over the samples, not the sum.", 'reduction="mean"', edits=(edit,))
    yield Evidence(Confidence.LIKELY, facts, at(seen.line), fix)


def _is_sum(term: Term) -> bool:
    return bool(term.function) and term.reduction == "sum" and term.fed.samples > 1 and term.factor * term.fed.samples > 2


def _program(reduction: str) -> Callable[[], None]:
    net, optimizer, batches, _ = task(rate=0.5)

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y, reduction=reduction).backward()
                optimizer.step()

    return train


@wrong_reduction.bad
def sums_at_a_rate_for_means() -> Callable[[], None]:
    return _program("sum")


@wrong_reduction.good
def takes_the_mean() -> Callable[[], None]:
    return _program("mean")
