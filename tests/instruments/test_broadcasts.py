"""Silent broadcasts: caught where an output meets a target of another shape, and nowhere else."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.instruments.broadcasts import Broadcasts

N = 6
COLUMN, FLAT = torch.randn(N, 1), torch.randn(N)
SILENT_LOSSES = {
    "squared by hand": lambda o, t: ((o - t) ** 2).mean(),
    "absolute by hand": lambda o, t: (o - t).abs().mean(),
    "torch.sub": lambda o, t: torch.sub(o, t).square().sum(),
    "F.mse_loss": lambda o, t: functional.mse_loss(o, t),
    "nn.MSELoss": lambda o, t: nn.MSELoss()(o, t),
    "F.l1_loss": lambda o, t: functional.l1_loss(o, t),
    "no mean": lambda o, t: functional.mse_loss(o, t, reduction="none").mean(),
    "by name": lambda o, t: functional.mse_loss(input=o, target=t),
    "smooth": lambda o, t: functional.smooth_l1_loss(o, t),
    "product": lambda o, t: (o * t).mean(),
}
MEANT = {
    "same shape": lambda: FLAT - FLAT.flip(0),
    "one number": lambda: COLUMN - 1.0,
    "one element": lambda: COLUMN - torch.ones(1),
    "bias": lambda: torch.randn(N, 4) + torch.randn(4),
    "bias of equal size": lambda: torch.randn(1, 4) + torch.randn(4),
    "linear": lambda: nn.Linear(1, 3)(COLUMN),
    "matmul": lambda: COLUMN @ torch.randn(1, N),
    "outer by matmul": lambda: torch.randn(2, 3) @ torch.randn(3, 2),
    "gather": lambda: torch.randn(N, 3).gather(1, torch.zeros(N, 1, dtype=torch.long)),
    "gather of equal size": lambda: torch.randn(4, 4).gather(1, torch.zeros(4, 4, dtype=torch.long)),
    "all pairs of numbers": lambda: FLAT[:, None] - FLAT[None, :],
    "all pairs of scores": lambda: (COLUMN - COLUMN.t()).sigmoid().log().mean(),
    "index": lambda: torch.randn(N, 1)[torch.arange(N)],
    "pairs of vectors": lambda: torch.randn(N, 1, 3) - torch.randn(1, 4, 3),
    "row means": lambda: torch.randn(N, 3) - torch.randn(N, 1),
    "column scale": lambda: torch.randn(N, 3) * torch.randn(3),
    "cat": lambda: torch.cat([COLUMN, COLUMN], 1),
    "stack": lambda: torch.stack([FLAT, FLAT]),
    "reshape": lambda: COLUMN.view(N) - FLAT,
    "cross entropy": lambda: functional.cross_entropy(torch.randn(N, 3), torch.zeros(N, dtype=torch.long)),
    "two classes": lambda: functional.cross_entropy(torch.randn(1, N), torch.zeros(1, dtype=torch.long)),
    "expand_as": lambda: COLUMN.expand(N, 3) - torch.randn(N, 3),
}


@pytest.mark.parametrize(("output", "target"), [(COLUMN, FLAT), (FLAT, COLUMN)], ids=["column meets row", "row meets column"])
@pytest.mark.parametrize("loss", SILENT_LOSSES.values(), ids=SILENT_LOSSES)
def test_a_column_against_a_row_is_a_table(loss, output, target):
    with warnings.catch_warnings(), Broadcasts() as watch:
        warnings.simplefilter("ignore")
        loss(output, target)
    seen = watch.seen[0]
    assert (seen.left, seen.right, seen.result) == (tuple(output.shape), tuple(target.shape), (N, N))
    assert seen.line.place.startswith("test_broadcasts.py, line")


@pytest.mark.parametrize("shapes", [((4, 1, 5), (4, 5)), ((4, 4, 1), (4, 4)), ((2, 1, 3, 3), (2, 3, 3))])
def test_a_left_over_axis_of_sequences_and_maps(shapes):
    one, other = (torch.randn(shape) for shape in shapes)
    with Broadcasts() as watch:
        ((one - other) ** 2).mean()
    assert watch.seen[0].result == tuple((one - other).shape) and watch.seen[0].function == "sub"


@pytest.mark.parametrize("operation", MEANT.values(), ids=MEANT)
def test_what_is_meant_is_not_reported(operation):
    with Broadcasts() as watch:
        operation()
    assert watch.seen == []


def test_a_row_and_a_column_in_a_loss_of_torch_are_no_pairs_on_purpose():
    with pytest.warns(UserWarning, match="target size"), Broadcasts() as watch:
        functional.mse_loss(COLUMN, FLAT[None])
    assert watch.seen[0].result == (N, N)


def test_equal_shapes_in_every_loss_are_silent():
    with Broadcasts() as watch:
        for loss in SILENT_LOSSES.values():
            loss(COLUMN, FLAT[:, None])
            loss(FLAT, FLAT.clone())
    assert watch.seen == []


def test_the_result_is_what_torch_gives():
    with Broadcasts():
        seen = COLUMN - FLAT
    assert torch.equal(seen, torch.tensor([[c - f for f in FLAT.tolist()] for c in COLUMN[:, 0].tolist()]))
