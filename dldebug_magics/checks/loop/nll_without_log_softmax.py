from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Either, Enclose, Part, Replace
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.losses import Term
from ...observations.training_loop import TrainingLoop, words
from ...observations.training_loop.course import always
from ...observations.training_loop.reading import at
from ..small_loops import task


@check(severity=Severity.ERROR)
def nll_without_log_softmax(loop: TrainingLoop) -> Iterator[Evidence]:
    """A loss of log-probabilities is fed raw scores.

    `nll_loss` only picks out the score of the right class and turns its sign. Without a log_softmax in front, all scores may grow together:
    nothing has to be told apart.

    Shows as: a loss below zero that falls without end, while the accuracy hardly rises.
    Proven by: the numbers that enter in every pass: their exponentials do not sum to one.
    Not this when: the loss is a cross entropy, which takes the log_softmax itself; the rows are probabilities (`softmax_with_nll`).
    Fails: more than a million numbers at once are not summed.
    See: torch.nn.NLLLoss, whose input is log-probabilities; FSDL, "incorrect input to your loss function".
    """
    seen = always(loop, _is_fed_scores)
    if seen is None:
        return
    facts = (
        Fact("logarithm of the sum of each row's exponentials", f"off by up to {seen.term.fed.unnormalised:.3g}", "0"),
        Fact("smallest and largest number that enters", f"{seen.term.fed.low:.3g} and {seen.term.fed.high:.3g}", "none above 0"),
    )
    spot = seen.line.spot
    other = Replace(spot, "NLLLoss()", "CrossEntropyLoss()", f"set:{words.loss_function(seen.line)}")
    edit = Either((Replace(spot, ".nll_loss(", ".cross_entropy("), other, Enclose(spot, Part("(,)", 0), "{}.log_softmax(dim=1)")))
    fix = Fix("Take the cross entropy, or a log_softmax first.", "loss = torch.nn.functional.cross_entropy(scores, target)", edits=(edit,))
    yield Evidence(Confidence.PROVEN, facts, at(seen.line), fix)


def _is_fed_scores(term: Term) -> bool:
    fed = term.fed
    scores = fed.through not in ("log_softmax", "log", "softmax") and not fed.to_one
    return term.function == "nll_loss" and scores and fed.unnormalised > 0.05


def _program(*closing: nn.Module) -> Callable[[], None]:
    net, optimizer, batches, _ = task()
    read = nn.Sequential(*closing)

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.nll_loss(read(net(x)), y).backward()
                optimizer.step()

    return train


@nll_without_log_softmax.bad
def raw_scores() -> Callable[[], None]:
    return _program()


@nll_without_log_softmax.good
def log_probabilities() -> Callable[[], None]:
    return _program(nn.LogSoftmax(dim=1))
