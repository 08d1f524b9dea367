from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.biases import without_bias
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...observations.cards.idle_bias import IdleBiasCard
from ...observations.cards.set_up import SetUp
from ..small_data import classes


@check(severity=Severity.NOTE)
def bias_before_bn(card: IdleBiasCard, setup: SetUp) -> Iterator[Evidence]:
    """A layer adds a bias that the batch norm behind it subtracts again.

    Batch norm takes the mean of the batch away, and the bias with it; its own shift does what a bias would do. The parameter learns
    nothing and takes memory. It does no harm.

    Shows as: nothing; the gradient of the bias is 0 but for rounding.
    Proven by: the layer's result enters the batch norm as it is, and with all these biases moved by 1 the output stays.
    Not this when: the batch norm is in evaluation mode (frozen, fine-tuned), where it takes a stored mean away and not this batch's.
    Fails: with a step of your own.
    See: A. Karpathy, "most common neural net mistakes": bias=False for a layer before batch norm; FSDL, get your model to run.
    """
    if card.layers:
        names = [module_expression(setup.names["model"], layer) for layer, _ in card.layers]
        shown = f"{', '.join(names[:3])}{' and others' if names[3:] else ''}"
        yield Evidence(
            Confidence.PROVEN,
            facts=(Fact("output with these biases moved by 1", f"moves by {card.moved:.1g} of its spread", "as far as the bias matters"),),
            where=", ".join(f"`{layer}`" for layer, _ in card.layers[:3]),
            fix=Fix(f"Build {shown} without a bias.", f"bias=False   # {shown}", "no bias"),
            cure=without_bias([layer for layer, _ in card.layers]),
            always=True,
        )


def _program(bias: bool) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64, bias=bias), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@bias_before_bn.bad
def adds_and_subtracts() -> Subject:
    return _program(bias=True)


@bias_before_bn.good
def adds_none() -> Subject:
    return _program(bias=False)
