from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Replace
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.losses import Term
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.course import always
from ...observations.training_loop.reading import at
from ..small_loops import task


@check(severity=Severity.ERROR)
def softmax_with_nll(loop: TrainingLoop) -> Iterator[Evidence]:
    """A loss of log-probabilities is fed probabilities: the logarithm is missing.

    `nll_loss` of a softmax is minus the probability of the right class. Its gradient fades where the model is wrong and sure of it, where
    it has most to learn.

    Shows as: a loss between -1 and 0.
    Proven by: the numbers that enter in every pass: rows of numbers from 0 to 1 that sum to one.
    Not this when: a log_softmax stands in front.
    Fails: more than a million numbers at once are not summed.
    See: torch.nn.NLLLoss, whose input is log-probabilities; torch.nn.LogSoftmax.
    """
    seen = always(loop, _is_fed_probabilities)
    if seen is None:
        return
    low, high = seen.term.fed.low, seen.term.fed.high
    facts = (
        Fact("sum of each row that enters the loss", "1.00", "of its exponentials, not of itself"),
        Fact("smallest and largest number that enters", f"{low:.2g} and {high:.2g}", "none above 0"),
    )
    edit = Replace(seen.source.spot, "softmax(", "log_softmax(")
    fix = Fix("Take log_softmax in the place of softmax.", "log_probabilities = torch.log_softmax(logits, dim=1)", edits=(edit,))
    yield Evidence(Confidence.PROVEN, facts, at(seen.source), fix)


def _is_fed_probabilities(term: Term) -> bool:
    return term.function == "nll_loss" and term.fed.to_one


def _program(closing: nn.Module) -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.nll_loss(closing(net(x)), y).backward()
                optimizer.step()

    return train


@softmax_with_nll.bad
def probabilities() -> Callable[[], None]:
    return _program(nn.Softmax(dim=1))


@softmax_with_nll.good
def log_probabilities() -> Callable[[], None]:
    return _program(nn.LogSoftmax(dim=1))
