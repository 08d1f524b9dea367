from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...observations.cards.final_bias import FinalBias
from ...observations.cards.outputs import OutputCard
from ...observations.cards.set_up import SetUp
from ...observations.overfit_batch import OverfitBatch
from ..small_data import values


@check(severity=Severity.NOTE)
def final_bias_not_set(bias: FinalBias, run: OverfitBatch, outputs: OutputCard, setup: SetUp) -> Iterator[Evidence]:
    """The last layer's bias starts at zero, and the first steps are spent on learning it.

    Where one class is rare, or the targets lie far from zero, the best constant answer is known beforehand. A bias that starts there takes
    the steep first part off the curve, the "hockey stick", and lets the first steps go into what is hard.

    Shows as: a first loss well above that of the best constant output, then a steep fall.
    Proven by: the last layer's bias fitted by itself, which brings the first loss down to that level.
    Not this when: the classes are balanced and the targets centred: then zero is the best bias.
    Fails: a last layer without a bias has none to set.
    See: A. Karpathy, "A recipe for training neural networks": "init well"; T. Lin et al., "Focal loss", on the prior of rare classes.
    """
    if bias.with_best > 1.2:
        return
    layer, constant = module_expression(setup.names["model"], bias.module), run.floor.chance or 0.0
    code = "(counts / counts.sum()).log()   # of the classes" if outputs.target_is_classes else "y.mean()   # for 0 or 1: its logit"
    yield Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("first loss", f"{run.first:.3g}", f"about {constant:.3g}, that of the best constant output"),
            Fact("the same with the best bias in the last layer", f"{bias.with_best / bias.first:.0%} of it"),
        ),
        where=layer,
        fix=Fix("Start the last bias at the best constant answer of the training set.", f"{layer}.bias.data[:] = {code}"),
        always=True,
        refuted_by="A bias fitted by itself that leaves the first loss as high.",
    )


def _program(targets: Tensor, loss: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1 if targets.is_floating_point() else 10))
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=3e-2), (values()[0], targets))


@final_bias_not_set.bad
def targets_around_five() -> Subject:
    return _program(values()[1] + 5, nn.MSELoss())


@final_bias_not_set.bad
def one_class_in_thirty() -> Subject:
    return _program((torch.arange(32) == 7).long(), nn.CrossEntropyLoss())


@final_bias_not_set.good
def targets_around_zero() -> Subject:
    return _program(values()[1], nn.MSELoss())


@final_bias_not_set.good
def balanced_classes() -> Subject:
    return _program(torch.arange(32) % 10, nn.CrossEntropyLoss())
