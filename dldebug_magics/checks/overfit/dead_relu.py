from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.activations import leaking
from ...cures.initialisation import reinitialised
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.activations import Activation
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ...observations.cards.layers import LayerCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def dead_relu(layers: LayerCard, run: OverfitBatch, setup: SetUp) -> Iterator[Evidence]:
    """A layer's ReLUs are silent on every sample, so that nothing passes through it in either direction.

    A unit that is zero for all samples gets no gradient and cannot come back. Far-off biases, an unlucky start or one giant step kill whole
    layers; the loss then is what the layers behind can do with nothing.

    Shows as: a plateau at the entropy of the labels, or at the variance of the targets.
    Proven by: a copy whose ReLUs let a tenth of the negative side through, which memorises the batch.
    Not this when: units rest for some samples and work for others; half of all values at zero is normal.
    Fails: a layer that dies during the run is a matter of the learning rate.
    See: CS231n, "the dying ReLU problem"; FSDL, "overfit a single batch", error plateaus.
    """
    dead = [a for a in layers.activations if a.dead >= _DEAD and a.units >= _UNITS]
    if dead and not run.passed:
        module = module_expression(setup.names["model"], dead[0].module)
        code = f"{module} = torch.nn.LeakyReLU(0.1)" if dead[0].module else "torch.nn.functional.leaky_relu(x, 0.1)"
        yield _evidence(dead[0], Fix("Let some of the negative side through.", code, "leaky ReLUs"), leaking)
        anew = "for module in model.modules():\n    getattr(module, 'reset_parameters', int)()"
        yield _evidence(dead[0], Fix("Re-initialise the layers before it.", anew, "the layers re-initialised"), reinitialised)


def _evidence(dead: Activation, fix: Fix, cure: Callable[[Subject], Subject]) -> Evidence:
    return Evidence(
        Confidence.LIKELY,
        facts=(Fact("units that are 0 on every sample, at the start", f"{dead.dead:.0%} of {dead.module or 'a layer'}", "few"),),
        where=where(dead.module, dead.line),
        fix=fix,
        cure=cure,
        refuted_by="A unit of that layer above 0 on some sample.",
    )


_DEAD = 0.95  # share of a layer's units
_UNITS = 4  # a layer of one or two is dead by chance, and too small before that


def _program(bias: float) -> Subject:
    torch.manual_seed(0)
    middle = nn.Linear(64, 64)
    nn.init.constant_(middle.bias, bias)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), middle, nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@dead_relu.bad
def biases_far_below_zero() -> Subject:
    return _program(-10.0)


@dead_relu.good
def biases_at_zero() -> Subject:
    return _program(0.0)
