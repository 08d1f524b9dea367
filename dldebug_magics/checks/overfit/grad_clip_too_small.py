from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.clipping import unclipped
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.clipping import ClippingCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def grad_clip_too_small(clipping: ClippingCard, run: OverfitBatch) -> Iterator[Evidence]:
    """The gradient is clipped to a fraction of itself in every step, and little is left to learn from.

    Clipping is for the rare step that would throw the weights away. A limit far below the usual norm of the gradient is a lower learning
    rate in disguise, and one that no schedule knows of.

    Shows as: a plateau near the first loss, with plain SGD; Adam divides the scale out again and does not mind.
    Proven by: the gradient's norm before the hooks and after them; and a copy without them, which memorises the batch.
    Not this when: the limit is seldom reached, the rate was chosen for it, or the optimizer does not mind the scale: the run passes.
    Fails: a clip in the training loop itself is no part of model and optimizer; `%%watch` sees it.
    See: torch.nn.utils.clip_grad_norm_; Deep Learning Tuning Playbook: clip at about the 90th percentile of the norms.
    """
    if run.passed or run.crash is not None or not 0 < clipping.at_step < 0.1 * clipping.whole:
        return
    yield Evidence(
        Confidence.LIKELY,
        facts=(
            Fact("norm of the gradient, by itself and at the step", f"{clipping.whole:.3g} and {clipping.at_step:.3g}", "about the same"),
            Fact("where it passes on the way", ", ".join(clipping.places)),
        ),
        where=clipping.places[0],
        fix=Fix(
            "Take the clipping out, or set its limit above the norm that most steps have.",
            f"max_norm = {2 * clipping.whole:.2g}",
            "the gradient not clipped",
        ),
        cure=unclipped,
        refuted_by="A run without clipping that fares no better.",
    )


def _program(limit: float, optimizer: type[torch.optim.Optimizer] = torch.optim.SGD) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    own = optimizer(net.parameters(), lr=0.1 if optimizer is torch.optim.SGD else 1e-2)  # type: ignore[call-arg]

    def clip(stepping: torch.optim.Optimizer, *_: object) -> None:
        nn.utils.clip_grad_norm_([p for group in stepping.param_groups for p in group["params"]], limit)

    own.register_step_pre_hook(clip)
    return Subject(net, nn.CrossEntropyLoss(), own, classes())


@grad_clip_too_small.bad
def clips_at_a_thousandth() -> Subject:
    return _program(1e-3)


@grad_clip_too_small.good
def clips_what_is_rare() -> Subject:
    return _program(10.0)


@grad_clip_too_small.good
def clips_before_adam() -> Subject:
    return _program(1e-3, torch.optim.Adam)
