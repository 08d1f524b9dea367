"""Softmax calls against the axis along which their result really sums to one; what enters a loss, also one that raises."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.instruments.calls import Calls
from dldebug_magics.instruments.feature_axis import LINEAR, features_last
from dldebug_magics.instruments.loss_entries import LossEntries
from dldebug_magics.instruments.softmaxes import SOFTMAXES, axis_of, fed_by

torch.manual_seed(2)
SCORES = torch.randn(3, 4, 5, requires_grad=True)


@pytest.mark.filterwarnings("ignore:Implicit dimension")
@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.softmax(-1),
        lambda x: torch.softmax(x, 1),
        lambda x: functional.softmax(x, dim=0),
        lambda x: nn.Softmax(dim=2)(x),
        lambda x: nn.Softmax()(x),
        lambda x: nn.Softmax()(x[0]),
        lambda x: nn.LogSoftmax(dim=-2)(x).exp(),
        lambda x: functional.log_softmax(x, -3).exp(),
        lambda x: torch.softmax(x, dim=1, dtype=torch.float64),
    ],
)
def test_the_axis_is_the_one_whose_sums_are_one(call):
    with Calls(SOFTMAXES, nn.Identity()) as calls:
        shares = call(SCORES)
    found = [axis for axis in range(shares.ndim) if torch.allclose(shares.sum(axis), torch.ones_like(shares.sum(axis)))]
    assert [axis_of(made) for made in calls.made] == found


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (lambda x: x.softmax(-1).softmax(-1), True),
        (lambda x: x.softmax(-1).reshape(12, 5).log_softmax(1), True),
        (lambda x: x.softmax(1).transpose(1, 2).softmax(2), True),
        (lambda x: x.softmax(-1).log().softmax(-1), False),
        (lambda x: x.log_softmax(-1).log_softmax(-1), False),
        (lambda x: x.log_softmax(-1).softmax(-1), False),
        (lambda x: x.softmax(-1).softmax(1), False),
        (lambda x: (x.softmax(-1) @ x.transpose(1, 2)).softmax(-1), False),
        (lambda x: torch.stack((x.softmax(-1), x)).sum(0).softmax(-1), False),
    ],
)
@pytest.mark.parametrize("graph", [True, False])
def test_fed_straight_into_another(forward, expected, graph):
    with Calls(SOFTMAXES, nn.Identity()) as calls, torch.set_grad_enabled(graph):
        forward(SCORES)
    assert (fed_by(calls.made[-1], calls.made) is calls.made[0]) is (expected and len(calls.made) == 2)


@pytest.mark.parametrize(
    ("change", "last"),
    [
        (lambda z: z, True),
        (lambda z: z.reshape(2, 3, 5).contiguous(), True),
        (lambda z: z.log_softmax(-1).relu(), True),
        (lambda z: z.transpose(0, 1), False),
        (lambda z: z.t().contiguous(), False),
        (lambda z: z.reshape(5, 6), False),
        (lambda z: z @ torch.randn(5, 5), False),
    ],
)
def test_features_stay_on_the_last_axis_until_an_axis_is_moved(change, last):
    layer = nn.Linear(4, 5)
    with Calls(LINEAR, layer) as calls:
        result = change(layer(torch.randn(6, 4)))
    assert features_last(result, calls.made) is last


def test_channels_of_a_convolution_are_not_on_the_last_axis():
    layer = nn.Conv1d(4, 5, 1)
    with Calls(LINEAR, layer) as calls:
        result = layer(torch.randn(2, 4, 5))
    assert not features_last(result, calls.made)


def test_a_loss_that_raises_is_written_down_with_what_it_was_given():
    scores, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 3])
    with LossEntries() as entries:
        functional.mse_loss(scores, scores)
        with pytest.raises(IndexError):
            nn.CrossEntropyLoss(ignore_index=7)(scores, labels)
        functional.cross_entropy(input=scores, target=labels % 3)
    first, second, third = entries.made
    assert [e.name for e in entries.made] == ["mse_loss", "cross_entropy", "cross_entropy"]
    assert first.result == 0 and second.result is None and third.result > 0
    assert second.argument(0, "input") is scores and second.argument(1, "target") is labels and second.argument(4, "ignore_index") == 7
    assert third.argument(0, "input") is scores and "test_softmaxes" in third.line.place
    functional.mse_loss(scores, scores)
    assert len(entries.made) == 3
