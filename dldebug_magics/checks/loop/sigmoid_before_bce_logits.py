from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Either, Replace, Unwrap
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.losses import Term
from ...observations.training_loop import TrainingLoop, words
from ...observations.training_loop.course import always
from ...observations.training_loop.reading import at
from ..small_loops import task


@check(severity=Severity.ERROR)
def sigmoid_before_bce_logits(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loop feeds probabilities to a binary cross entropy that expects logits.

    The loss takes the sigmoid itself. Of numbers between 0 and 1 it makes numbers between 0.5 and 0.73: no sample is ever called negative.

    Shows as: a plateau between 0.31, where all labels are 1, and 0.69, where all are 0.
    Proven by: the graph of the loss in every pass: a sigmoid, and the loss's own behind it; and the numbers that enter, all in [0, 1].
    Not this when: logits happen to lie between 0 and 1; then there is no sigmoid in front.
    Fails: a sigmoid written as 1 / (1 + exp(-x)) is not seen here; `%overfit_batch` knows it by its numbers.
    See: torch.nn.BCEWithLogitsLoss; FSDL, "incorrect input to your loss function".
    """
    seen = always(loop, _is_fed_probabilities)
    if seen is None:
        return
    low, high = min(t.fed.low for t in seen.terms), max(t.fed.high for t in seen.terms)
    facts = (
        Fact("what enters the loss", f"a {seen.term.fed.through}", "logits"),
        Fact("smallest and largest number of them", f"{low:.2g} and {high:.2g}", "numbers on both sides of 0"),
    )
    loss, removed = seen.line, Unwrap(seen.source.spot, seen.term.fed.through)
    other = Replace(loss.spot, ".binary_cross_entropy_with_logits(", ".binary_cross_entropy(")
    another = Replace(loss.spot, "BCEWithLogitsLoss()", "BCELoss()", f"set:{words.loss_function(loss)}")
    others = () if loop.scalers or "pos_weight" in loss.source else (other, another)
    elsewhere = loss.spot != seen.source.spot  # whoever else reads it wants probabilities
    fix = Fix(
        "Give the loss the logits, or take the loss for probabilities.",
        "loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)",
        edits=(Either((*others, removed) if elsewhere else (removed, *others)),),
    )
    yield Evidence(Confidence.PROVEN, facts, at(seen.source), fix)


def _is_fed_probabilities(term: Term) -> bool:
    return term.function == "binary_cross_entropy_with_logits" and term.fed.through in ("sigmoid", "softmax")


def _program(*closing: nn.Module) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    read = nn.Sequential(*closing)

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.binary_cross_entropy_with_logits(read(net(x))[:, 0], (y == 0).float())
                loss.backward()
                optimizer.step()

    return train


@sigmoid_before_bce_logits.bad
def probabilities() -> Callable[[], None]:
    return _program(nn.Sigmoid())


@sigmoid_before_bce_logits.good
def logits() -> Callable[[], None]:
    return _program()
