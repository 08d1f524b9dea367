from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.rewrite import left_out
from ...cures.softmaxes import all_of, turned
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.softmaxes import SoftmaxCard
from ...observations.cards.targets import TargetCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import flags


@check(severity=Severity.ERROR)
def softmax_on_single_unit(softmaxes: SoftmaxCard, targets: TargetCard, run: OverfitBatch) -> Iterator[Evidence]:
    """A softmax is taken over a single output, which makes it 1 for every sample.

    The entries of a softmax sum to one, so one entry alone is one. Nothing that the layers before it say arrives at the loss, and no
    gradient comes back.

    Shows as: outputs of exactly 1.0, and a loss that does not move in any digit.
    Proven by: a constant loss behind a softmax over one entry, before our eyes; a copy with a sigmoid, which memorises the batch.
    Not this when: the softmax stands inside, as attention over a single key does.
    Fails: with cross entropy behind it the cause is single_logit_ce.
    See: torch.nn.Softmax, "so that the elements lie in the range [0, 1] and sum to 1"; FSDL, incorrect input to the loss.
    """
    alone = [c for c in softmaxes.calls if c.length == 1 and c.axis > 0 and c.enters not in ("", "cross_entropy")]
    if alone and run.losses and max(run.losses) - min(run.losses) <= _STILL * abs(run.first):
        call, low, high = alone[-1], *targets.target.span
        takes_logits = call.enters == "binary_cross_entropy_with_logits" or low < 0 or high > 1
        word = f"no {call.name}" if takes_logits else f"a sigmoid instead of {call.name}"
        code = call.taken_out if takes_logits or not call.expression else f"{call.expression} = torch.nn.Sigmoid()"
        yield Evidence(
            Confidence.PROVEN,
            facts=(
                Fact(f"entries that the {call.name} over {list(call.shape)} shares 1 among", "1", "2 or more"),
                Fact("change of the loss in the whole run", f"{max(run.losses) - min(run.losses):.1g}", "a fall"),
            ),
            where=call.where,
            fix=Fix("Leave it out." if takes_logits else "Take a sigmoid: one output says yes or no.", code, word),
            cure=all_of([(call.name, call.index, left_out if takes_logits else turned(call.name, None))]),
            always=True,
            refuted_by="Outputs other than 1.",
        )


_STILL = 1e-6


def _program(closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 1), closing)
    return Subject(net, nn.BCELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), flags(1))


@softmax_on_single_unit.bad
def ends_in_softmax() -> Subject:
    return _program(nn.Softmax(dim=1))


@softmax_on_single_unit.good
def ends_in_sigmoid() -> Subject:
    return _program(nn.Sigmoid())
