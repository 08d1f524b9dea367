from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.structure import SQUASHING, normalised, rectifying
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.layers import LayerCard
from ...observations.cards.outputs import OutputCard
from ...observations.cards.signal import SignalCard
from ..small_data import classes


@check(severity=Severity.ERROR)
def vanishing_gradient(signal: SignalCard, layers: LayerCard, outputs: OutputCard) -> Iterator[Evidence]:
    """The gradient shrinks on its way back, so that the first layers hardly learn.

    Every layer multiplies the gradient by its weights and by the slope of its activation. A sigmoid's slope is at most 1/4; ten of them in
    a row leave a millionth.

    Shows as: a plateau near chance; the last layers learn, the first stand still.
    Proven by: a copy with ReLUs and He's initialisation, or with a norm in front of each activation, which memorises the batch, or far
    sooner.
    Not this when: the gradient is exactly zero at first because a branch or a last layer begins at zero; the batch is memorised in time.
    Fails: a gradient that fades over the time steps of a recurrent layer is not cured, and not reported.
    See: Glorot & Bengio 2010; He et al. 2015; Bengio, Simard & Frasconi 1994.
    """
    if not 0 < signal.fading < _FADED:
        return
    last = None if outputs.closing is None else (outputs.closing.name, outputs.closing.index)
    hidden = [a for a in layers.activations if (a.name, a.index) != last]
    facts = (
        Fact("gradient at the first layers, as a share of that at the last", f"{signal.fading:.1e}", "0.01 to 100"),
        Fact("layers on the way", f"{len(signal.gradients)}, with {', '.join(sorted({a.name for a in hidden})) or 'no activation'}"),
    )
    refuted = "A run with a healthy gradient in every layer that fares no better."
    if any(a.name in SQUASHING for a in hidden):
        code = "torch.nn.ReLU()   # and torch.nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')"
        fix = Fix("Take ReLUs, and begin the weights by He's rule.", code, "ReLUs and He's initialisation")
        yield Evidence(Confidence.LIKELY, facts, signal.passages[0].weight, fix, rectifying(last), eases=True, refuted_by=refuted)
    if hidden:
        fix = Fix("Put a norm in front of each activation.", "torch.nn.LayerNorm(width)", "a norm in front of each activation")
        yield Evidence(Confidence.LIKELY, facts, signal.passages[0].weight, fix, normalised(last), eases=True, refuted_by=refuted)


_FADED = 1e-4


def _program(depth: int) -> Subject:
    torch.manual_seed(0)
    hidden = [layer for _ in range(depth) for layer in (nn.Linear(20, 20), nn.Sigmoid())]
    net = nn.Sequential(*hidden, nn.Linear(20, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9), classes())


@vanishing_gradient.bad
def eight_sigmoids() -> Subject:
    return _program(depth=8)


@vanishing_gradient.good
def one_sigmoid() -> Subject:
    return _program(depth=1)
