from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Enclose, Part, Unwrap
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.losses import Term
from ...observations.training_loop import TrainingLoop, words
from ...observations.training_loop.course import always
from ...observations.training_loop.reading import at, stepping
from ..small_loops import task

_BELOW = frozenset("cross_entropy nll_loss mse_loss smooth_l1_loss huber_loss squared absolute".split())  # never below zero
_BELOW |= {"binary_cross_entropy", "binary_cross_entropy_with_logits"}


@check(severity=Severity.ERROR)
def flipped_loss_sign(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loss has the wrong sign in the loop: each step makes the errors larger.

    A likelihood is to be maximised, a loss minimised; between the two stands a minus that is easily lost or doubled.

    Shows as: a loss that falls below zero without end, while the accuracy falls with it.
    Proven by: the graph of the loss in every pass, minus an error that can't be below zero, or a log-probability without a minus; and the
    losses of the loop, which go away from zero.
    Not this when: the optimizer maximises; several models play against each other; only a term of the loss is negative.
    Fails: a loss that torch has no name for is left alone; `%overfit_batch` tells its sign by its floor.
    See: FSDL, "overfit a single batch", error goes up: "flipped the sign of the loss function".
    """
    numbers, seen = stepping(loop), always(loop, _is_turned)
    if seen is None or len(numbers) != 1 or loop.optimizers[numbers[0]].facts.maximizes or not any(o in numbers for o, _ in loop.trained):
        return
    known, factors = [e for e in loop.losses if e == e], {round(t.factor, 6) for t in seen.terms}
    if any(len(e.terms) > 1 for e in seen.passes) or len(factors) > 1 or len(known) < 4 or not known[-1] < known[0] < 0:
        return
    what = "a log-probability" if seen.term.function == "likelihood" else f"minus a `{seen.term.function}`"
    facts = (
        Fact("what is minimised", what, "minus a log-probability" if seen.term.function == "likelihood" else "the error itself"),
        Fact("loss at the beginning and at the end", f"{known[0]:.4g} and {known[-1]:.4g}", "towards 0"),
    )
    code = (
        "loss = -log_probability.mean()" if seen.term.function == "likelihood" else "loss = loss_fn(output, target)   # without the minus"
    )
    spot, part = seen.turn.spot, words.given(seen.turn, "backward") if "backward" in seen.turn.source else Part()
    edit = Enclose(spot, part, "-{}") if seen.term.function == "likelihood" else Unwrap(spot, "-")
    yield Evidence(Confidence.PROVEN, facts, at(seen.turn), Fix("Turn the sign of the loss.", code, edits=(edit,)))


def _is_turned(term: Term) -> bool:
    return term.factor > 0 if term.function == "likelihood" else term.factor < 0 and term.function in _BELOW


def _program(sign: int) -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = sign * nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()

    return train


@flipped_loss_sign.bad
def minimises_minus_the_error() -> Callable[[], None]:
    return _program(-1)


@flipped_loss_sign.good
def minimises_the_error() -> Callable[[], None]:
    return _program(+1)
