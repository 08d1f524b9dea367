from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.initialisation import reinitialised
from ...cures.structure import normalised
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.layers import LayerCard
from ...observations.cards.outputs import OutputCard
from ..small_data import classes


@check(severity=Severity.ERROR)
def saturated_activation(layers: LayerCard, outputs: OutputCard) -> Iterator[Evidence]:
    """A hidden layer's sigmoids or tanhs stand at their limits, where they have no slope.

    What enters them is far from 0: a large bias, a sum over many things, a factor in front. The gradient is multiplied by a slope of
    nearly 0, and the layers before learn nothing.

    Shows as: a plateau; units that give the same limit for almost every sample.
    Proven by: a copy with the layers begun anew, or with norms in front of activations, which memorises the batch, or far sooner.
    Not this when: the batch is memorised in time; gates are meant to open and close; the last activation is sure of itself.
    Fails: the gates inside torch's own LSTM and GRU layers are not seen.
    See: LeCun et al. 1998, "Efficient BackProp", 4.4 to 4.6; Glorot & Bengio 2010.
    """
    last = None if outputs.closing is None else (outputs.closing.name, outputs.closing.index)
    full = [a for a in layers.activations if a.saturated >= _FULL and (a.name, a.index) != last]
    if not full:
        return
    worst = max(full, key=lambda a: a.saturated)
    for fix, cure in (
        (Fix("Begin the layers before it anew.", "layer.reset_parameters()", "the layers begun anew"), reinitialised),
        (Fix("Norm what enters it.", "torch.nn.LayerNorm(width)", "a norm in front of each activation"), normalised(last)),
    ):
        yield Evidence(
            Confidence.LIKELY,
            facts=(Fact(f"values of {worst.name} within 1 % of a limit, at the start", f"{worst.saturated:.0%}", "few"),),
            where=where(worst.module, worst.line),
            fix=fix,
            cure=cure,
            eases=True,
            refuted_by="Values of that activation away from its limits.",
        )


_FULL = 0.8


def _program(bias: float) -> Subject:
    torch.manual_seed(0)
    middle = nn.Linear(32, 32)
    nn.init.constant_(middle.bias, bias)
    net = nn.Sequential(nn.Linear(20, 32), nn.Tanh(), middle, nn.Tanh(), nn.Linear(32, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1), classes())


@saturated_activation.bad
def biases_far_out() -> Subject:
    return _program(bias=12.0)


@saturated_activation.good
def biases_at_zero() -> Subject:
    return _program(bias=0.0)
