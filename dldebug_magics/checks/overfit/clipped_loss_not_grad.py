from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...cures.cap import uncapped
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.cap import CapCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def clipped_loss_not_grad(cap: CapCard, run: OverfitBatch) -> Iterator[Evidence]:
    """The loss is clipped where the gradient was meant, and the worst samples teach nothing.

    Above the bound a clipped loss is a constant, whose gradient is 0: just the samples that the model gets most wrong are left out. To
    keep outliers from tearing at the weights, clip the gradient's norm, or use a loss that goes on as a straight line.

    Shows as: a plateau at the bound, or at the share of samples beyond it.
    Proven by: losses beyond the bound, which get no gradient and stay there; and a copy without the clip, which learns them.
    Not this when: few samples are beyond it; a hinge, Huber's loss, a safe logarithm, or the clipped ratios of PPO.
    Fails: a bound deeper inside the loss, such as one on probabilities, is not seen.
    See: A. Karpathy, "A recipe for training neural networks": "people often clip their loss instead of the gradients".
    """
    stuck = cap.alone and run.final >= 0.9 * cap.part * run.first > 0
    if cap.share >= _GOOD_SHARE and (stuck or not run.passed) and run.crash is None:
        yield Evidence(
            Confidence.PROVEN if stuck else Confidence.LIKELY,
            facts=(
                Fact("losses beyond the bound, which get no gradient", f"{cap.share:.0%} of them, above {cap.bound:g}", "few"),
                Fact("loss at the end, and what they make up of the first", f"{run.final:.3g} of {cap.part * run.first:.3g}", "less"),
            ),
            where=cap.where,
            fix=Fix(
                "Clip the gradient, not the loss: `clip_grad_norm_` after `backward()`.", cap.taken_out, "the loss unclipped", cap.edits
            ),
            cure=uncapped(cap.name, cap.index),
            always=stuck,
            refuted_by="A gradient that reaches the samples beyond the bound.",
        )


_GOOD_SHARE = 0.3


def _program(bound: float) -> Subject:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(output, target, reduction="none").clamp(max=bound).mean()

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@clipped_loss_not_grad.bad
def clips_at_one() -> Subject:
    return _program(1.0)


@clipped_loss_not_grad.good
def clips_what_never_comes() -> Subject:
    return _program(10.0)
