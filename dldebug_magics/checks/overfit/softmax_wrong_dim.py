from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.rewrite import left_out
from ...cures.softmaxes import all_of, turned
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.softmax_call import Softmax
from ...observations.cards.softmaxes import SoftmaxCard
from ..small_data import classes


@check(severity=Severity.ERROR, also=("run",))
def softmax_wrong_dim(softmaxes: SoftmaxCard) -> Iterator[Evidence]:
    """A softmax goes over the wrong axis: over the samples, or over places where a loss of classes expects classes.

    Its entries sum to one down the batch and not across the classes: samples compete for each class, and what one of them is given depends
    on its company. `nn.Softmax()` without `dim` takes axis 0 of a tensor with three axes.

    Shows as: a plateau (2.03 for 10 classes with cross entropy behind it), or a batch learnt well that means nothing alone.
    Proven by: the axis that gets shorter with the batch and outputs that keep apart once it is another, or a cured copy that memorises.
    Not this when: attention goes over time, places or experts; a table of all pairs of samples is normalised both ways; sets are one batch.
    Fails: a softmax written by hand as exp and sum is not seen.
    See: FSDL, "overfit a single batch", error goes up: "softmax taken over the wrong dimension"; torch.nn.Softmax, `dim`.
    """
    wrong = [call for call in softmaxes.calls if call.beside_classes or call.over_batch]
    if wrong:
        no_doubt = any(call.beside_classes and (call.enters == "nll_loss" or len(call.entering) == 2) for call in wrong)
        yield _evidence(wrong, no_doubt or (softmaxes.mixes and softmaxes.from_loader))


def _evidence(wrong: list[Softmax], sure: bool) -> Evidence:
    first, stands = wrong[0], "the samples" if wrong[0].over_batch else "not the classes"
    changes = [(c.name, c.index, left_out if c.enters == "cross_entropy" else turned(c.name, c.right_axis)) for c in wrong]
    return Evidence(
        Confidence.PROVEN if sure else Confidence.LIKELY,
        facts=(
            Fact(f"axis of the {first.name} over {list(first.shape)}", f"{first.axis}, {stands}", "the classes"),
            Fact("entries that share a sum of one", str(first.length), "a sample's own"),
        ),
        where=first.where,
        fix=_fix(first),
        cure=all_of(changes),
        always=sure,
        refuted_by="Outputs of a sample that stay the same in other company.",
    )


def _fix(call: Softmax) -> Fix:
    axis = call.right_axis
    if call.enters == "cross_entropy":
        return Fix("Leave it out: the loss takes it itself, over axis 1.", call.taken_out, f"no {call.name} before the loss", call.edits)
    if axis is None:
        return Fix("Take a sigmoid: there are no classes to share a sum.", "torch.sigmoid(logit)", f"a sigmoid instead of {call.name}")
    return Fix(f"Take it over axis {axis}.", call.along(axis), f"the {call.name} over axis {axis}", call.edits_along(axis))


def _program(dim: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), nn.LogSoftmax(dim=dim))
    return Subject(net, nn.NLLLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@softmax_wrong_dim.bad
def over_the_samples() -> Subject:
    return _program(dim=0)


@softmax_wrong_dim.good
def over_the_classes() -> Subject:
    return _program(dim=1)
