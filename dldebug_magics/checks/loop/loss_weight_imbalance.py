from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.losses import Term
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at
from ...observations.training_loop.shares import drowned
from ..small_loops import task

_SHARE = 1e-3  # of the sum
_STAYS = 0.8  # of its value at first: batches differ
_UNSOLVED = 0.1  # nats
_OF_CLASSES = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
_OF_VALUES = ("mse_loss", "smooth_l1_loss", "huber_loss")


@check(severity=Severity.NOTE)
def loss_weight_imbalance(loop: TrainingLoop) -> Iterator[Evidence]:
    """One term of the loss drowns another, which does not come down.

    Losses in different units, or a sum beside a mean, are added up as they are: the optimizer sees the larger one alone, most of all
    one that scales its steps, and what the smaller one asks for is lost in it.

    Shows as: a total that falls, and one part of the task that is never learnt.
    Proven by: nothing but other weights; the terms' values in every pass that was looked at, and the smaller one's course.
    Not this when: the small term is a penalty or a bonus, is solved already, or comes down; the loop is short.
    Fails: a small value may have a large gradient, and terms that were added up inside the model are not told apart.
    See: Kendall, Gal & Cipolla 2018, "Multi-task learning using uncertainty to weigh losses"; Chen et al. 2018, "GradNorm".
    """
    for seen in drowned(loop):
        if seen.share > _SHARE or seen.last < _STAYS * seen.first or not _is_of_the_task(seen.term, seen.other, seen.last):
            continue
        facts = (
            Fact(f"largest share that `{seen.term.function}` had in the sum, of {seen.looks} passes", f"{seen.share:.1e}", "0.001 or more"),
            Fact("its own value, without its weight, at first and at last", f"{seen.first:.3g} and {seen.last:.3g}", "falling"),
        )
        fix = Fix("Weigh the terms so that their gradients are of one order.", "loss = weight * first + second   # weight: second / first")
        yield Evidence(Confidence.HINT, facts, at(seen.term.line), fix)
        return


def _is_of_the_task(term: Term, other: Term, value: float) -> bool:
    """Whether a term is no penalty, and is far from solved; a squared error has no scale of its own, so its weight must say it."""
    weighs_less = abs(term.factor) <= 0.01 * abs(other.factor) or (term.reduction == "mean" and other.reduction == "sum")
    return (term.function in _OF_CLASSES and value > _UNSOLVED) or (term.function in _OF_VALUES and weighs_less)


def _program(scale: float, rate: float) -> Callable[[], None]:
    net, optimizer, batches, _ = task(rate=rate)
    box = nn.Linear(16, 1)
    optimizer.add_param_group({"params": box.parameters()})

    def train() -> None:
        for _ in range(10):
            for x, y in batches:
                optimizer.zero_grad()
                place = nn.functional.mse_loss(box(x)[:, 0], scale * x.sum(1))
                loss = nn.functional.cross_entropy(net(x), y) + place
                loss.backward()
                optimizer.step()

    return train


@loss_weight_imbalance.bad
def in_pixels() -> Callable[[], None]:
    return _program(scale=1000.0, rate=1e-5)


@loss_weight_imbalance.good
def in_units_of_the_picture() -> Callable[[], None]:
    return _program(scale=1.0, rate=0.02)
