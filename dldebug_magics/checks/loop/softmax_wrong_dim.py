from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.edits import Argument, Unwrap
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.losses import Term
from ...observations.training_loop import TrainingLoop, words
from ...observations.training_loop.course import always
from ...observations.training_loop.reading import at
from ..small_loops import task


@check(severity=Severity.ERROR)
def softmax_wrong_dim(loop: TrainingLoop) -> Iterator[Evidence]:
    """The softmax before the loss goes over another axis than that of the classes.

    Over axis 0 the samples of a batch compete for each class: what one of them is given depends on its company.

    Shows as: a plateau, or a validation that depends on the size of its batches.
    Proven by: the graph of the loss in every pass: the axis of its softmax, beside the one on which the loss looks for classes.
    Not this when: the result is reshaped on its way and the exponentials of each row sum to one.
    Fails: a softmax inside the model, such as that of an attention, is looked at by `%overfit_batch`.
    See: torch.nn.Softmax, `dim`; FSDL, "overfit a single batch", error goes up: "softmax taken over the wrong dimension".
    """
    seen = always(loop, _is_astray)
    if seen is None:
        return
    axis, shape = _softmax(seen.term)
    facts = (Fact(f"axis of the softmax over {list(shape)}", str(axis), "1, the classes"),)
    code = "loss = torch.nn.functional.cross_entropy(logits, target)   # it takes the log_softmax over axis 1 itself"
    spot, name = seen.source.spot, "softmax" if seen.term.fed.through == "log" else seen.term.fed.through
    place = int(words.owner(seen.source, name) in ("", "F", "torch", "nn.functional", "torch.nn.functional"))
    itself = seen.term.function == "cross_entropy" and seen.term.fed.through != "log"
    edit = Unwrap(spot, name) if itself else Argument(spot, name, "dim", "1", place)
    fix = Fix("Take it over the classes, or leave it to the cross entropy.", code, edits=(edit,))
    yield Evidence(Confidence.PROVEN, facts, at(seen.source), fix)


def _softmax(term: Term) -> tuple[int, tuple[int, ...]]:
    """Axis and shape of the softmax right before a loss of classes; none where reshaping makes that hard to tell."""
    fed = term.fed
    name, axis, shape, plain, _ = fed.twice if fed.through == "log" else (fed.through, fed.axis, fed.shape, True, -1)
    known = name in ("softmax", "log_softmax") and fed.plain and plain and term.function in ("cross_entropy", "nll_loss")
    return (axis, shape) if known and len(shape) == 2 else (1, ())


def _is_astray(term: Term) -> bool:
    return _softmax(term)[0] == 0


def _program(axis: int) -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.nll_loss(torch.log_softmax(net(x), axis), y).backward()
                optimizer.step()

    return train


@softmax_wrong_dim.bad
def over_the_samples() -> Callable[[], None]:
    return _program(0)


@softmax_wrong_dim.good
def over_the_classes() -> Callable[[], None]:
    return _program(1)
