from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn

from ...cures.activations import without
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.outputs import OutputCard
from ..small_data import values


@check(severity=Severity.ERROR)
def wrong_activation_range_output(outputs: OutputCard) -> Iterator[Evidence]:
    """The last activation cannot reach what the loss asks for.

    A tanh ends at -1 and 1, a sigmoid at 0 and 1, a ReLU at 0. Targets beyond that are never met, however long it trains, and the gradient
    fades at the limit. Logits behind such an activation are as confined.

    Shows as: a plateau whose height is the mean squared distance from the targets to the reachable range.
    Proven by: leaving the last activation out of a copy, which then memorises the batch.
    Not this when: the targets lie inside the activation's range.
    Fails: a range confined by other means (a clip in the loss) is not seen.
    See: FSDL, "start simple", on the scale of inputs and targets.
    """
    last = outputs.closing
    if last is None or last.name not in _IMAGES or outputs.loss in ("binary_cross_entropy", "nll_loss", "kl_div"):
        return
    low, high = _IMAGES[last.name]
    wanted = _wanted(outputs, low, high)
    if wanted:
        yield Evidence(
            Confidence.LIKELY,
            facts=(Fact(f"reach of the last activation, {last.name}", f"{low:g} to {high:g}", wanted),),
            where=last.where,
            fix=Fix(f"Leave the last {last.name} out.", last.taken_out, f"no {last.name} at the end", last.edits),
            cure=without(last.name, last.index),
            refuted_by="A run without that activation that stops at the same loss.",
        )


def _wanted(outputs: OutputCard, low: float, high: float) -> str:
    """What the loss asks for and the activation can't give; empty where it can."""
    if outputs.goes_into("cross_entropy"):
        return "any number, as logits are" if math.isfinite(high) else ""
    if outputs.target_range is None or outputs.goes_into("binary_cross_entropy_with_logits"):
        return ""
    smallest, largest = outputs.target_range
    beyond = smallest < low - _MARGIN or largest > high + _MARGIN
    return f"{smallest:.3g} to {largest:.3g}, as the targets are" if beyond else ""


_MARGIN = 0.01
_UNIT, _PLUS = (0.0, 1.0), (0.0, math.inf)
_IMAGES = {name: (-1.0, 1.0) for name in ("tanh", "tanh_", "hardtanh")}
_IMAGES |= {name: _UNIT for name in ("sigmoid", "sigmoid_", "hardsigmoid")} | {name: _PLUS for name in ("relu", "relu_", "softplus")}


def _program(*closing: nn.Module) -> Subject:
    torch.manual_seed(0)
    net, (points, heights) = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1), *closing), values()
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points, 2 * heights))


@wrong_activation_range_output.bad
def ends_in_tanh() -> Subject:
    return _program(nn.Tanh())


@wrong_activation_range_output.good
def ends_in_a_linear_layer() -> Subject:
    return _program()
