"""Weights that were never trained are told from those that were, and from those of other rules."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.first_values import at_first
from dldebug_magics.observations.cards.first_values import FirstValues
from dldebug_magics.observations.cards.parameters import Parameter, follows


@pytest.mark.parametrize("layer", [nn.Linear(20, 32), nn.Linear(300, 10), nn.Conv2d(3, 8, 3), nn.Conv1d(4, 16, 5)])
def test_new_layers_are_at_their_first_values(layer: nn.Module) -> None:
    assert at_first(layer.weight.detach())


@pytest.mark.parametrize("begin", [nn.init.kaiming_normal_, nn.init.xavier_uniform_, nn.init.orthogonal_, nn.init.zeros_])
def test_other_rules_are_not(begin: object) -> None:
    assert not at_first(begin(torch.empty(64, 48)))  # type: ignore[operator]


def test_ten_steps_of_training_are_seen() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
    inputs, labels, optimizer = torch.randn(32, 20), torch.randint(0, 5, (32,)), torch.optim.Adam(net.parameters(), lr=1e-3)
    (before,) = FirstValues.measure(Subject(net))
    for _ in range(10):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
    (after,) = FirstValues.measure(Subject(net))
    assert before.untrained == ("0.weight", "2.weight") and after.untrained == ()


def test_a_target_network_follows_the_one_that_learns() -> None:
    online, target, head = (Parameter(name, 12, True, True, True, True) for name in ("online.0.weight", "target.0.weight", "head.weight"))
    assert follows([target], [online, head])
    assert not follows([head], [online, target])
