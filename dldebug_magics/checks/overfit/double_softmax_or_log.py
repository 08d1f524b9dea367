from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.rewrite import left_out
from ...cures.softmaxes import all_of
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.softmax_call import Softmax
from ...observations.cards.softmaxes import SoftmaxCard
from ..small_data import classes


@check(severity=Severity.ERROR)
def double_softmax_or_log(softmaxes: SoftmaxCard) -> Iterator[Evidence]:
    """A softmax is fed straight into another softmax or log_softmax.

    The second takes probabilities for scores. They lie between 0 and 1, so that no class can get more than e times the share of another:
    of ten classes the right one ends at 0.23 at most.

    Shows as: a plateau at log(e + C - 1) - 1 for C classes (1.46 for 10), as with a softmax before cross entropy.
    Proven by: leaving the first one out of a copy, which then memorises the batch.
    Not this when: the first is a log_softmax, whose repetition changes nothing; layers stand between, as from attention to the classes.
    Fails: a softmax written by hand as exp and sum is not seen.
    See: FSDL, "the five most common bugs", incorrect input to the loss; torch.nn.LogSoftmax.
    """
    second = next((call for call in softmaxes.calls if call.fed_by is not None and call.length > 1), None)
    if second is not None and second.fed_by is not None:
        first = softmaxes.calls[second.fed_by]
        last = second is softmaxes.calls[-1] and not second.module  # a logarithm by hand may stand between it and the loss
        yield _evidence(first, second, bool(second.enters) or last)


def _evidence(first: Softmax, second: Softmax, always: bool) -> Evidence:
    too_many = [first, second] if second.name == "softmax" and second.enters == "cross_entropy" else [first]
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact(f"what enters the {second.name} in {second.where or 'the forward pass'}", "rows that sum to 1", "scores of any size"),
            Fact("where they come from", f"a softmax in {first.where}" if first.where else "a softmax", "a layer"),
        ),
        where=first.where,
        fix=Fix("Leave the first softmax out.", first.taken_out, "one softmax instead of two", first.edits),
        cure=all_of((call.name, call.index, left_out) for call in too_many),
        always=always,
        refuted_by="A run with the first softmax left out that stops at the same loss.",
    )


def _program(*closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), *closing)
    return Subject(net, nn.NLLLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@double_softmax_or_log.bad
def softmax_then_log_softmax() -> Subject:
    return _program(nn.Softmax(dim=1), nn.LogSoftmax(dim=1))


@double_softmax_or_log.good
def log_softmax_once() -> Subject:
    return _program(nn.LogSoftmax(dim=1))


@double_softmax_or_log.good
def log_softmax_twice() -> Subject:
    return _program(nn.LogSoftmax(dim=1), nn.LogSoftmax(dim=1))
