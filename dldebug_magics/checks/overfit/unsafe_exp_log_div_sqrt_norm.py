from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ...cures.domain import WRITTEN, family
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.domain_margin import DomainCard
from ...observations.cards.numerics import NumericsCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.NOTE)
def unsafe_exp_log_div_sqrt_norm(domain: DomainCard, numerics: NumericsCard, run: OverfitBatch) -> Iterator[Evidence]:
    """An operation stands at the edge of its domain: a log, root or divisor next to 0, an exp next to overflow.

    It went well on this batch. The logarithm of a probability that rounds to 0 is -inf, the slope of a root at 0 infinite, and exp ends at
    88; one such number in a later batch spoils every weight. Torch's own losses are guarded; logarithms written by hand are not.

    Shows as: nothing yet; later a loss of nan or inf, after hours.
    Proven by: the number itself, which is below 1e-19, or within 8 of what exp can take. It is a note: nothing has gone wrong.
    Not this when: an epsilon is added; no gradient flows through (the logarithm of a mask); torch does it inside its own functions.
    Fails: where the run did go bad it is `nan_inf_numeric`, which tries the guard; a norm at 0 is left alone, its slope is 0 in torch.
    See: FSDL, "the five most common bugs": "numerical instability - inf/NaN, often from exp, log or division".
    """
    if domain.at_edge and numerics.culprit is None and run.crash is None:
        margin = domain.at_edge[0]
        kind = family(margin.name)
        yield Evidence(
            Confidence.LIKELY,
            facts=(Fact(f"nearest to the edge of {margin.name}", f"{margin.nearest:.3g}", "an epsilon away from it"),),
            where=where(margin.module, margin.line),
            fix=Fix(f"Guard the {margin.name}, or use torch's own loss.", WRITTEN.get(kind, ""), f"{margin.name} guarded"),
            always=True,
            refuted_by="A number that cannot come nearer, whatever the batch.",
        )


def _by_hand(output: Tensor, wanted: Tensor) -> Tensor:
    return -torch.log(output.softmax(1).gather(1, wanted[:, None])).mean()


def _stable(output: Tensor, wanted: Tensor) -> Tensor:
    return -output.log_softmax(1).gather(1, wanted[:, None]).mean()


def _program(loss: Callable[[Tensor, Tensor], Tensor]) -> Subject:
    torch.manual_seed(0)
    head = nn.Linear(64, 10)
    nn.init.normal_(head.weight, std=4)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), head)
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@unsafe_exp_log_div_sqrt_norm.bad
def logarithm_of_a_softmax() -> Subject:
    return _program(_by_hand)


@unsafe_exp_log_div_sqrt_norm.good
def log_softmax() -> Subject:
    return _program(_stable)
