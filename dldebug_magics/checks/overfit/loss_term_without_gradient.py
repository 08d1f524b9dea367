from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.terms import LossTerm, TermsCard
from ..small_data import classes


@check(severity=Severity.WARNING)
def loss_term_without_gradient(loss: TermsCard) -> Iterator[Evidence]:
    """A term of the loss depends on the model and gives it no gradient: it is printed with the rest, and nobody minimises it.

    `argmax`, comparisons, rounding and `.item()` give numbers without a slope. An accuracy or a count in the sum moves with
    the weights, but no step is taken because of it.

    Shows as: a loss with a part that never falls, or falls only by the way.
    Proven by: the term's value, which moves when the weights are nudged, beside its gradient, which is exactly zero.
    Not this when: the gradient is stopped on purpose with `detach` or `no_grad`, the factor is 0, or only part of the term has none.
    Fails: terms added up in another way than by + and - (a stack that is summed) are not told apart.
    See: FSDL, "overfit a single batch", error plateaus: "gradients not flowing through the whole model".
    """
    for term in loss.terms:
        if term.idle and any(other.gradient > 0 for other in loss.terms):
            yield _evidence(term)


def _evidence(term: LossTerm) -> Evidence:
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("value of the term, and with all weights nudged", f"{term.value:.4g} and {term.nudged:.4g}"),
            Fact("norm of its gradient", "0", "above 0"),
            Fact("what it has no slope through", term.cut),
        ),
        where=where("", term.line),
        fix=Fix(f"Put something with a slope in the place of `{term.cut}`, such as a probability, or take the term out of the loss."),
        always=True,
        refuted_by="A gradient of that term which is not zero.",
    )


def _program(second: Callable[[Tensor, Tensor], Tensor | float]) -> Subject:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(output, target) + 0.1 * second(output, target)

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@loss_term_without_gradient.bad
def adds_the_error_rate() -> Subject:
    return _program(lambda output, target: (output.argmax(1) != target).float().mean())


@loss_term_without_gradient.bad
def adds_a_plain_number() -> Subject:
    return _program(lambda output, target: output.softmax(1).square().sum(1).mean().item())


@loss_term_without_gradient.good
def adds_the_expected_error_rate() -> Subject:
    return _program(lambda output, target: 1 - output.softmax(1).gather(1, target[:, None]).mean())


@loss_term_without_gradient.good
def stops_the_gradient_on_purpose() -> Subject:
    return _program(lambda output, target: output.softmax(1).square().sum(1).mean().detach())
