"""Weights as torch draws them, and what a training makes of them."""

from __future__ import annotations

import torch
from torch import nn

from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.never_trained import NeverTrained, drawn_evenly


def card(net, loss_fn=None):
    points, labels = torch.randn(32, 20), torch.randint(0, 4, (32,))
    batch = (points, labels) if loss_fn is not None else points
    (found,) = NeverTrained.measure(Subject(net, loss_fn, None, batch, batch=batch))
    return found


def test_fresh_layers_of_all_kinds_lie_evenly_and_other_beginnings_do_not():
    torch.manual_seed(0)
    layers = [nn.Linear(20, 30), nn.Conv1d(4, 8, 3), nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, groups=8), nn.Conv3d(2, 4, 3)]
    assert all(drawn_evenly(layer.weight.detach()) for layer in layers)
    for begin in (nn.init.kaiming_normal_, nn.init.xavier_uniform_, nn.init.orthogonal_, nn.init.zeros_):
        layer = nn.Linear(20, 30)
        begin(layer.weight)
        assert not drawn_evenly(layer.weight.detach()), begin


def test_some_steps_of_training_show():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    points, labels = torch.randn(64, 20), torch.randint(0, 4, (64,))
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(points), labels).backward()
        optimizer.step()
    net[0].requires_grad_(False)
    assert card(net, nn.CrossEntropyLoss()) == NeverTrained((), 1, True)


def test_frozen_layers_are_told_by_their_paths():
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
    assert card(net, nn.CrossEntropyLoss()) == NeverTrained((), 0, False), "nothing is frozen"
    net[0].requires_grad_(False)
    assert card(net, nn.CrossEntropyLoss()) == NeverTrained(("0",), 0, True)
