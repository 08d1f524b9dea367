from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.activations import without
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.outputs import Closing, OutputCard
from ..small_data import classes


@check(severity=Severity.ERROR)
def relu_on_logits(outputs: OutputCard) -> Iterator[Evidence]:
    """The last layer's logits pass a ReLU before they reach the loss.

    A logit must be free to be negative: it says "not this class". With a ReLU behind it, every class that should be unlikely stays at
    0, and a sample whose logits are all negative gets no gradient at all.

    Shows as: cross entropy stuck between 0.5 and 1.2 or higher, another value for every seed.
    Proven by: leaving that ReLU out of a copy, which then memorises the batch.
    Not this when: the ReLU stands before the last linear layer.
    Fails: a clamp at another bound than 0. Where one batch is memorised in spite of the ReLU it is likely, not proven.
    See: FSDL, "overfit a single batch", error plateaus: "incorrect input to your loss function".
    """
    last = outputs.closing
    if outputs.goes_into("cross_entropy", "binary_cross_entropy_with_logits") and last is not None and last.rectifies:
        yield _evidence(outputs, last)


def _evidence(outputs: OutputCard, last: Closing) -> Evidence:
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("smallest logit", f"{outputs.minimum:.2f}", "below 0"),
            Fact("share of logits that are exactly 0", f"{outputs.zero_share:.0%}", "0%"),
        ),
        where=last.where,
        fix=Fix(f"Take the {last.name.rstrip('_')} behind the last layer away.", last.taken_out, "no ReLU on the logits", last.edits),
        cure=without(last.name, last.index),
        always=True,
        refuted_by="A run without that ReLU that stops at the same loss.",
    )


def _program(*closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), *closing)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@relu_on_logits.bad
def ends_in_relu() -> Subject:
    return _program(nn.ReLU())


@relu_on_logits.good
def ends_in_a_linear_layer() -> Subject:
    return _program()
