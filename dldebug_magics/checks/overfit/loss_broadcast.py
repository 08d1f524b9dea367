from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from ...cures.loss import aligned
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import in_data
from ...observations.cards.outputs import OutputCard
from ...observations.cards.set_up import SetUp
from ..small_data import values


@check(severity=Severity.ERROR)
def loss_broadcast(outputs: OutputCard, setup: SetUp) -> Iterator[Evidence]:
    """Output and target have different shapes that broadcast against each other in the loss.

    `[N, 1]` minus `[N]` is an N x N table: every output is held against every target, and the best answer is the mean of all targets.
    Torch warns in its own MSE and L1; a loss written by hand is silent.

    Shows as: a plateau at the variance of the targets, exactly.
    Proven by: giving the target the output's shape on a copy, which then memorises the batch.
    Not this when: both have the same shape, or the pairs are wanted (a contrastive loss has tensors of its own for that).
    Fails: broadcasts between tensors of unequal size are not looked at.
    See: FSDL, "the five most common bugs", first: "incorrect shapes for your tensors"; torch's warning in `mse_loss`.
    """
    seen = outputs.broadcast
    if seen is None:
        return
    yield Evidence(
        Confidence.LIKELY,
        facts=(
            Fact(f"shapes that meet in `{seen.function}`", f"{_shape(seen.left)} and {_shape(seen.right)}", "the same shape"),
            Fact("what comes out", _shape(seen.result), _shape(seen.left)),
        ),
        where=seen.line.place,
        fix=_fix(setup.names, seen.left),
        cure=aligned,
        refuted_by="A run with equal shapes that stops at the same loss.",
    )


def _fix(names: Mapping[str, str], output: tuple[int, ...]) -> Fix:
    edits = in_data(names["train"], 1, "{}.reshape(-1, 1)") if output[1:] == (1,) else ()
    code = f"loss = {names['loss_fn']}(output, target.reshape(output.shape))"
    return Fix("Give both the same shape before the loss.", code, "the target in the output's shape", edits)


def _shape(shape: tuple[int, ...]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def _squared(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return ((output - target) ** 2).mean()


def _program(flat: bool) -> Subject:
    torch.manual_seed(0)
    net, (points, heights) = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1)), values()
    return Subject(net, _squared, torch.optim.Adam(net.parameters(), lr=1e-2), (points, heights[:, 0] if flat else heights))


@loss_broadcast.bad
def flat_target() -> Subject:
    return _program(flat=True)


@loss_broadcast.good
def column_target() -> Subject:
    return _program(flat=False)
