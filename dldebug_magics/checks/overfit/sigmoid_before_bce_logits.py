from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.activations import without
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.outputs import Closing, OutputCard
from ..small_data import flags


@check(severity=Severity.ERROR)
def sigmoid_before_bce_logits(outputs: OutputCard) -> Iterator[Evidence]:
    """Sigmoid outputs are fed to a loss that takes the sigmoid itself.

    `BCEWithLogitsLoss` squashes what it is given. A probability between 0 and 1 taken for a logit can say no more than sigmoid(1) = 0.73
    for yes and sigmoid(0) = 0.5 for no.

    Shows as: a plateau at 0.313 for each yes and 0.693 for each no.
    Proven by: leaving the sigmoid out of a copy, which then memorises the batch.
    Not this when: small logits happen to lie between 0 and 1; the activation itself must be seen.
    Fails: a sigmoid written by hand as 1 / (1 + exp(-x)) is not recognised.
    See: torch.nn.BCEWithLogitsLoss; FSDL, "incorrect input to your loss function".
    """
    last = outputs.closing
    if outputs.goes_into("binary_cross_entropy_with_logits") and last is not None and last.name in ("sigmoid", "sigmoid_", "softmax"):
        yield _evidence(outputs, last)


def _evidence(outputs: OutputCard, last: Closing) -> Evidence:
    name = last.name.rstrip("_")
    return Evidence(
        Confidence.LIKELY,
        facts=(Fact("what enters the loss", f"{name} of the logits, {outputs.minimum:.2f} to {outputs.maximum:.2f}", "the logits"),),
        where=last.where,
        fix=Fix(
            f"Return the logits; take the {name} only to read off probabilities.",
            last.taken_out,
            f"logits returned instead of {name}",
            last.edits,
        ),
        cure=without(last.name, last.index),
        refuted_by=f"A run without the {name} that stops at the same loss.",
    )


def _program(*closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 4), *closing)
    return Subject(net, nn.BCEWithLogitsLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), flags())


@sigmoid_before_bce_logits.bad
def ends_in_sigmoid() -> Subject:
    return _program(nn.Sigmoid())


@sigmoid_before_bce_logits.good
def ends_in_logits() -> Subject:
    return _program()
