"""What the frozen batch and a second reading show of the data, against formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.duplicates import DuplicateCard
from dldebug_magics.observations.cards.read_twice import ReadTwice


def card(kind, points, labels, train=None, features=20):
    net = nn.Linear(features, 4)
    found = list(kind.measure(Subject(net, nn.CrossEntropyLoss(), None, train, batch=(points, labels))))
    return found[-1] if found else None


def test_the_floor_is_the_conditional_entropy():
    points = torch.randn(4, 20)[torch.tensor([0, 0, 0, 1, 1, 2, 3, 3])]
    found = card(DuplicateCard, points, torch.tensor([0, 0, 1, 2, 3, 1, 2, 2]))
    by_hand = (-2 * math.log(2 / 3) - math.log(1 / 3) - 2 * math.log(1 / 2)) / 8
    assert found.floor == pytest.approx(by_hand) and found.disagreeing == 5
    assert (found.pair, found.labels) == ((0, 2), ("0", "1")) and not found.repeatable and not found.blank


def test_the_floor_is_the_one_that_the_run_finds():
    torch.manual_seed(0)
    net, points = nn.Linear(20, 4), torch.randn(8, 20).repeat(4, 1)
    subject = Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=0.1), (points, torch.randint(0, 4, (32,))))
    run = list(ask("overfit_batch", subject))[-1].experiment
    found = card(DuplicateCard, *subject.train)
    assert run.floor.value == pytest.approx(found.floor, abs=1e-3)


@pytest.mark.parametrize("points", [torch.eye(4).repeat(4, 1), torch.zeros(16, 20), torch.arange(16.0)[:, None].remainder(4)])
def test_inputs_that_repeat_of_themselves(points):
    found = card(DuplicateCard, points, torch.arange(16).remainder(3), features=points.shape[1])
    assert found.repeatable or found.blank


def test_columns_of_a_table_do_not_repeat_by_chance():
    assert not card(DuplicateCard, torch.rand(8, 3).repeat(2, 1), torch.arange(16) % 3, features=3).repeatable


def test_values_are_held_against_their_variance():
    """Four values an input, drawn without regard to it: nothing is explained. Near copies: next to all is."""
    torch.manual_seed(0)
    points, values = torch.randn(8, 20).repeat(4, 1), torch.randn(32)
    noise = card(DuplicateCard, points, values)
    by_hand = values.reshape(4, 8).var(0).mean() / values.var()
    assert noise.numbers and noise.floor == pytest.approx(float(by_hand), rel=1e-5)
    assert card(DuplicateCard, points, torch.randn(8).repeat(4) + 0.01 * values).floor < 0.01


def test_words_are_not_asked():
    assert card(DuplicateCard, torch.randint(0, 9, (8, 20)), torch.arange(8) % 4) is None


class Mixed(Dataset):
    """Samples whose input and label change together, as mixing augmentation has it."""

    def __len__(self):
        return 40

    def __getitem__(self, row):
        other = int(torch.randint(0, 40, ()))
        return torch.full((20,), float(row)) + 0.1 * torch.arange(20) * other, torch.tensor(other % 4)


class Redrawn(Mixed):
    def __getitem__(self, row):
        return torch.linspace(0, row + 1, 20), torch.randint(0, 1000, ())


def test_read_twice():
    still = card(ReadTwice, None, None, DataLoader(TensorDataset(torch.randn(40, 20), torch.arange(40)), batch_size=8, shuffle=True))
    assert (still.samples, still.inputs, still.labels_alone, still.plain) == (8, 0, 0, True)
    torch.manual_seed(0)
    mixed, redrawn = (card(ReadTwice, None, None, DataLoader(data, batch_size=8)) for data in (Mixed(), Redrawn()))
    assert mixed.inputs >= 6 and mixed.labels_alone == 0
    assert redrawn.inputs == 0 and redrawn.labels_alone == 8 and redrawn.first != redrawn.second
    assert card(ReadTwice, None, None, (torch.randn(8, 20), torch.arange(8))) is None
