from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...cures.whole_loss import made_of_it
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.shape_trace import ShapeTrace
from ..small_data import classes


@check(severity=Severity.ERROR)
def non_scalar_loss(trace: ShapeTrace, setup: SetUp) -> Iterator[Evidence]:
    """The loss is many numbers, and `backward` wants one.

    A gradient is that of one number. A loss with `reduction="none"`, or one written by hand that never averages over the samples, gives a
    number a sample; it has to be averaged, or summed, before it is differentiated.

    Shows as: "grad can be implicitly created only for scalar outputs".
    Proven by: the shape of the loss; with its mean a copy runs.
    Not this when: `backward` is given a gradient of the loss's own shape.
    Fails: nothing known.
    See: torch.autograd.backward; torch.nn.CrossEntropyLoss, `reduction`.
    """
    failure = trace.failure
    if failure is None or trace.loss is None or trace.loss.numel == 1 or not failure.says("grad can be implicitly created only"):
        return
    name = setup.names["loss_fn"]
    seen = Fact("shape of the loss", str(trace.loss), "one number")
    for sure, way, done in ((Confidence.LIKELY, "mean", "the mean of the loss"), (Confidence.HINT, "sum", "the sum of the loss")):
        fix = Fix(f"Take the {way} over all of it.", f"loss = {name}(output, target).{way}()", done)
        yield Evidence(sure, (seen,), name, fix, made_of_it(Tensor.mean if way == "mean" else Tensor.sum))


def _program(reduction: str) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(reduction=reduction), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@non_scalar_loss.bad
def a_loss_a_sample() -> Subject:
    return _program("none")


@non_scalar_loss.good
def their_mean() -> Subject:
    return _program("mean")
