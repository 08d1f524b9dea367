from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn

from ...cures.initialisation import anew
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ...observations.cards.set_up import SetUp
from ...observations.cards.signal import Passage, SignalCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def init_scale_bad(signal: SignalCard, run: OverfitBatch, setup: SetUp) -> Iterator[Evidence]:
    """A layer's weights begin on the wrong scale, so that the signal drowns or dies on its way.

    The deviation of a layer's outputs is that of its inputs times the weights' own, times the square root of their number. Weights of
    `torch.randn`, or of a deviation of 1e-4, are off by a factor that every further layer multiplies.

    Shows as: a first loss far above chance, or outputs that are nearly the same for every sample.
    Proven by: a copy with these weights begun anew, which memorises the batch, or far sooner.
    Not this when: the scale is unusual and does no harm: a last layer that begins near zero, pretrained weights, a norm behind.
    Fails: transposed convolutions, recurrent layers and weights applied by `einsum` are not measured.
    See: He et al. 2015, "Delving deep into rectifiers"; Glorot & Bengio 2010; CS231n, "weight initialization".
    """
    off = signal.off_scale
    if not off:
        return
    worst, names = max(off, key=lambda p: abs(math.log(p.gain or 1.0))), tuple(dict.fromkeys(p.weight for p in off))
    weights = (module_expression(setup.names["model"], name) for name in names)
    code = "\n".join(f"torch.nn.init.kaiming_normal_({weight}, nonlinearity='relu')" for weight in weights)
    yield Evidence(
        Confidence.LIKELY,
        facts=_facts(worst, run),
        where=where(worst.module, worst.line),
        fix=Fix("Begin it on the scale of its number of inputs.", code, f"{', '.join(names[:3])} begun on the usual scale"),
        cure=anew(names),
        always=((worst.gain or 0.0) > 8 and run.floor.of_chance(run.first) > 100) or (signal.dies and not setup.unseeing),
        eases=not setup.unseeing,
        refuted_by="A run with these weights on the usual scale that fares no better.",
    )


def _facts(worst: Passage, run: OverfitBatch) -> tuple[Fact, ...]:
    return (
        Fact(f"gain of {worst.weight}: its size times the root of its inputs", f"{worst.gain:.2g}", "0.5 to 2"),
        Fact("deviation before and behind", f"{worst.deviation_in:.2g} and {worst.deviation_out:.2g}", "about the same"),
        Fact("first loss", f"{run.first:.3g}", f"{run.floor.chance or 0:.3g} by chance"),
    )


def _program(deviation: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    for weight in list(net.parameters())[::2]:
        nn.init.normal_(weight, std=deviation)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.05), classes())


@init_scale_bad.bad
def far_too_large() -> Subject:
    return _program(10.0)


@init_scale_bad.bad
def far_too_small() -> Subject:
    return _program(1e-4)


@init_scale_bad.good
def on_the_usual_scale() -> Subject:
    return _program(0.2)
