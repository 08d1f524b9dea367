from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.clipping import LIMIT, clipped
from ...cures.initialisation import by_he
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.cards.signal import SignalCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def exploding_gradient(signal: SignalCard, run: OverfitBatch, setup: SetUp) -> Iterator[Evidence]:
    """The gradient grows on its way back, layer by layer or time step by time step.

    Every layer multiplies it by its weights. A factor a little above 1 is nothing in one layer, and a thousand in twenty: no learning rate
    suits the first layers and the last.

    Shows as: a loss that leaps and explodes in the first steps.
    Proven by: gradients at the start that differ by orders of magnitude along the way; and a copy with clipped gradients or by He's rule.
    Not this when: single weights are far off scale, which has a name of its own; the gradients are of one size and the steps too long,
    which is the learning rate.
    Fails: where every layer has the same too large gradient there is no growth to see.
    See: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks"; He et al. 2015.
    """
    ends = [(module, first / last) for module, first, last in signal.through_time if last > 0]
    module, over_time = max(ends, key=lambda end: end[1], default=("", 1.0))
    far_off = run.floor.of_chance(run.first) > _FAR and signal.growth > _GROWN
    alone = any(p.gain is not None and not 0.1 < p.gain < _TOGETHER for p in signal.off_scale)
    if (run.passed and not far_off) or alone or not max(signal.growth, over_time) > _GROWN:
        return
    place, way = (module, "the last time step") if over_time > signal.growth else (signal.passages[0].weight, "the last layer")
    facts = (Fact(f"gradient at its largest, in units of that at {way}", f"{max(signal.growth, over_time):.1e}", "0.01 to 100"),)
    refuted = "A run with a gradient of one size along the way that fares no better."
    model = setup.names["model"]
    code = f"torch.nn.utils.clip_grad_norm_({model}.parameters(), {LIMIT})   # between backward() and step()"
    fix = Fix("Clip the gradient's norm.", code, f"gradients clipped at {LIMIT:g}")
    yield Evidence(Confidence.LIKELY, facts, place, fix, clipped, always=far_off, refuted_by=refuted)
    code = "torch.nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')"
    fix = Fix("Begin the weights by He's rule, which keeps the size of a signal.", code, "weights begun by He's rule")
    yield Evidence(Confidence.LIKELY, facts, place, fix, by_he, always=far_off, refuted_by=refuted)


_GROWN = 200.0
_FAR = 100.0  # times the chance loss
_TOGETHER = 8.0  # gain: layers that only together are too much


def _program(gain: float) -> Subject:
    torch.manual_seed(0)
    hidden = [layer for _ in range(12) for layer in (nn.Linear(32, 32), nn.ReLU())]
    net = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), *hidden, nn.Linear(32, 10))
    for weight in list(net.parameters())[::2]:
        nn.init.normal_(weight, std=gain * (2 / weight.shape[1]) ** 0.5)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.02), classes())


@exploding_gradient.bad
def weights_twice_as_large() -> Subject:
    return _program(gain=2.0)


@exploding_gradient.good
def weights_of_he() -> Subject:
    return _program(gain=1.0)
