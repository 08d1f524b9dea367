from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.metrics import MetricCard
from ..small_data import flags


@check(severity=Severity.ERROR)
def metric_loss_disagree(metric: MetricCard) -> Iterator[Evidence]:
    """The metric is not at its best when the predictions are right.

    It is asked about predictions made from the targets themselves. A maximum over the wrong axis, a threshold of 0.5 on logits, labels off
    by one or a broadcast make it say something else than the loss, and what is tuned by it is tuned for nothing.

    Shows as: a loss that falls while the metric stands still.
    Proven by: the metric's own values for right and for wrong predictions.
    Not this when: the metric raises for the model's output, or no metric was given; a rate, a bias or a top-k may tie.
    Fails: a metric of classes that do not come up in this batch; outputs that are no single tensor.
    See: FSDL, "single-number evaluation"; torch.nn.BCEWithLogitsLoss, whose logits mean 0.5 at 0.
    """
    if metric.threshold_on_logits:
        fix = Fix("A logit says yes above 0; a probability above 0.5.", "prediction = output > 0", "a threshold of 0")
        yield _evidence("metric of right logits of 0.45 and of 0.55", metric.faint or (), metric, fix)
    elif metric.between or metric.shifted or metric.blind:
        fix = Fix("Hold it against predictions made from the targets: axis, threshold, shape and numbering of the classes.")
        yield _evidence("metric of half right, and of wrong predictions", (metric.half, *metric.wrong), metric, fix)


def _evidence(what: str, seen: tuple[float, ...], metric: MetricCard, fix: Fix) -> Evidence:
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("metric of right predictions", f"{metric.right:.3g}", "its best value"),
            Fact(what, ", ".join(f"{value:.3g}" for value in seen), "worse where they are wrong, the same where they are right"),
        ),
        fix=fix,
        always=True,
        refuted_by="A metric that no other predictions beat.",
    )


def _program(threshold: float) -> Subject:
    def accuracy(output: Tensor, target: Tensor) -> Tensor:
        return ((output > threshold) == target.bool()).float().mean()

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 4))
    return Subject(net, nn.BCEWithLogitsLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), flags(), metric=accuracy)


@metric_loss_disagree.bad
def threshold_of_a_probability_on_logits() -> Subject:
    return _program(0.5)


@metric_loss_disagree.good
def threshold_of_a_logit() -> Subject:
    return _program(0.0)
