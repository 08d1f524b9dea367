from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ...cures.custom_gradients import derived
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.custom_gradients import CustomGradients, WrongGradient
from ...observations.cards.descent import DescentCard
from ..small_data import classes


@check(severity=Severity.ERROR)
def wrong_custom_backward(gradients: CustomGradients, descent: DescentCard) -> Iterator[Evidence]:
    """A `torch.autograd.Function` of your own has a backward that does not belong to its forward.

    A sign, a factor or a transposition in a gradient written by hand raises no error: the weights below it walk uphill, or astray.

    Shows as: a loss that goes up, or stops where the layers above it can get alone.
    Proven by: finite differences of the forward pass, which disagree with the backward; and a copy with torch's own gradient, which learns.
    Not this when: the function rounds (straight-through), hands its input on (gradient reversal), or is no worse than a rough slope.
    Fails: a forward that torch can't differentiate (numpy, in C) is only likely; gradients changed by hooks are not looked at.
    See: torch.autograd.gradcheck; "descent ratio": what a small step brings over what the gradient promised, 1 for a right gradient.
    """
    yield from (_evidence(found, descent.small) for found in gradients.wrong)


def _evidence(found: WrongGradient, ratio: float) -> Evidence:
    code = f"torch.autograd.gradcheck({found.name}.apply, inputs_in_float64)"
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact(f"slope along a random direction, by {found.name}.backward", f"{found.backward:.4g}", f"{found.measured:.4g}"),
            Fact("what a small step brings, of what the gradient promised", f"{ratio:.2f}", "1.00"),
        ),
        where=found.where,
        fix=Fix(f"Correct `{found.name}.backward`, or make it a plain function.", code, f"torch's own gradient of {found.name}"),
        cure=derived(found.name),
        always=found.alike < _UNRELATED,
        eases=True,
        refuted_by="`torch.autograd.gradcheck`, passed on smooth inputs.",
    )


_UNRELATED = 0.15  # cosine: nobody takes a gradient on purpose that has nothing to do with the forward pass


class _Squashed(torch.autograd.Function):  # x / sqrt(1 + x^2)
    @staticmethod
    def forward(ctx: Any, x: Tensor, sign: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.sign = sign
        return x / (1 + x * x).sqrt()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return ctx.sign * gradients[0] * (1 + ctx.saved_tensors[0] ** 2) ** -1.5, None


def _program(sign: float) -> Subject:
    torch.manual_seed(0)
    one, two = nn.Linear(20, 16), nn.Linear(16, 10)
    net = nn.ModuleList([one, two])
    net.forward = lambda x: 10 * _Squashed.apply(two(_Squashed.apply(one(x), sign)), sign)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@wrong_custom_backward.bad
def a_sign_too_many() -> Subject:
    return _program(-1.0)


@wrong_custom_backward.good
def as_derived() -> Subject:
    return _program(1.0)
