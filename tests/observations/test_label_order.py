"""Whole numbers that name classes, and those that count: told apart by what neighbours differ by."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dldebug_magics.checks.small_data import groups
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.label_order import LabelOrder
from dldebug_magics.observations.cards.targets import TargetCard


def order(points, labels):
    net = nn.Linear(points[0].numel(), 1)
    loss = lambda output, target: nn.functional.l1_loss(output.squeeze(1), target.float())  # noqa: E731
    subject = Subject(net, loss, None, (points, labels), batch=(points[:32], labels[:32]))
    (targets,) = TargetCard.measure(subject)
    (found,) = LabelOrder.measure(subject, targets)
    return found


def quantity(levels: int):
    points = torch.randn(600, 8, generator=torch.Generator().manual_seed(0))
    height = 3 * points[:, 0] + points[:, 1]
    return points, (height.argsort().argsort() * levels // 600)


def test_names_of_classes_have_no_order():
    points, labels = groups(500, count=10, features=6)
    found = order(points, labels)
    assert found.none and found.classes == 10 and found.agree > 0.6
    assert found.renumbered == pytest.approx(11 / 3, abs=0.4), "the mean difference of two numbers of 0 to 9 that are not equal"


@pytest.mark.parametrize("levels", [5, 8])
def test_levels_of_a_quantity_have_one(levels):
    found = order(*quantity(levels))
    assert not found.none and found.apart < found.renumbered and found.lower < 0.1


def test_what_inputs_do_not_tell_is_not_called_a_name():
    points = torch.randn(400, 8, generator=torch.Generator().manual_seed(0))
    assert not order(points, torch.randint(0, 8, (400,), generator=torch.Generator().manual_seed(1))).none


@pytest.mark.parametrize("change", [lambda y: y + 3, lambda y: 2 * y, lambda y: y.float(), lambda y: y % 3])
def test_other_numbers_are_not_looked_at(change):
    points, labels = groups(500, count=10, features=6)
    assert order(points, change(labels)) == LabelOrder()
