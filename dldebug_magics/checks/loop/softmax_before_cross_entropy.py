from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Unwrap
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.losses import Term
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.course import always
from ...observations.training_loop.reading import at
from ..small_loops import task


@check(severity=Severity.ERROR)
def softmax_before_cross_entropy(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loop feeds probabilities to a cross entropy, which takes the softmax itself.

    Taken twice, the softmax flattens the gradient: the loss falls slowly and stops well above zero.

    Shows as: a plateau at 1.46 for 10 classes, 0.55 for 3, 0.31 for 2.
    Proven by: the graph of the loss in every pass: a softmax over the classes, and the loss's own behind it.
    Not this when: it is a log_softmax; taken twice it is harmless.
    Fails: a softmax written as exp and sum is not seen here; `%overfit_batch` knows it by its rows.
    See: torch.nn.CrossEntropyLoss, which expects unnormalised logits; FSDL, "incorrect input to your loss function".
    """
    seen = always(loop, _is_fed_probabilities)
    if seen is None:
        return
    facts = (
        Fact("what enters the cross entropy", f"a softmax over axis {seen.term.fed.axis}", "logits"),
        Fact("backward passes of this kind", f"{len(seen.passes)} of {len(seen.passes)} looked at", "0"),
    )
    fix = Fix(
        "Give the loss the logits; take the softmax only to read off probabilities.",
        "loss = torch.nn.functional.cross_entropy(logits, target)",
        edits=(Unwrap(seen.source.spot, "softmax"),),
    )
    yield Evidence(Confidence.PROVEN, facts, at(seen.source), fix)


def _is_fed_probabilities(term: Term) -> bool:
    return term.function == "cross_entropy" and term.fed.through == "softmax" and term.fed.over_classes


def _program(*closing: nn.Module) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    read = nn.Sequential(*closing)

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(read(net(x)), y).backward()
                optimizer.step()

    return train


@softmax_before_cross_entropy.bad
def probabilities() -> Callable[[], None]:
    return _program(nn.Softmax(dim=1))


@softmax_before_cross_entropy.good
def logits() -> Callable[[], None]:
    return _program()


@softmax_before_cross_entropy.good
def log_probabilities() -> Callable[[], None]:
    return _program(nn.LogSoftmax(dim=1))
