"""What a watch gathers about data: samples that come again, pictures that were turned, generators that workers inherit, class numbers."""

from __future__ import annotations

import random

import numpy
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset

from dldebug_magics.instruments.watch.data import Data
from dldebug_magics.instruments.watch.kept import Graphs
from dldebug_magics.instruments.watch.numbering import numbering_of
from dldebug_magics.instruments.watch.randomness import source_of
from dldebug_magics.instruments.watch.recurring import Recurrence

OUTSIDE = numpy.random.default_rng(0)


def epochs(*batches):
    """What is gathered of one batch an epoch."""
    data = Data()
    for batch in batches:
        data.begun(0, 0.5)
        data.waited(0, 0.25)
        data.drawn(0, batch)
    return data.seen()


def test_samples_are_known_by_their_inputs_in_any_order():
    x, y = torch.arange(8.0).reshape(4, 2), torch.tensor([0, 1, 0, 1])
    seen = epochs((x, y), (x[[2, 0]], torch.tensor([0, 5])), {"x": x[:1] + 1, "y": y[:1]})
    assert seen.answers[0].again == (Recurrence(2, 0, 0), Recurrence(2, 0, 5))
    assert dict(seen.answers[0].counts) == {0: 3, 1: 2} and seen.answers[0].twice == 0
    assert (seen.waits[0].batches, seen.waits[0].seconds, seen.waits[0].first) == (3, 2.25, 2.25)


def test_equal_inputs_within_an_epoch_are_counted_apart():
    x = torch.zeros(3, 2)
    assert epochs((x, torch.tensor([0, 1, 2]))).answers[0].twice == 2


@pytest.mark.parametrize(
    ("way", "named"),
    [(lambda x: x.flip(-1), "flipped left to right"), (lambda x: torch.rot90(x, 1, (-2, -1)), "turned by 90 degrees"), (torch.neg, None)],
)
def test_pictures_that_were_turned_without_their_map(way, named):
    pictures, maps = torch.randn(5, 3, 6, 6), torch.randn(5, 6, 6).sign()
    (found,) = epochs((pictures, maps), (way(pictures), maps)).turned
    assert found.again == 5 and found.by == (((named, 5),) if named else ())
    assert epochs((pictures, maps), (way(pictures), way(maps))).turned[0].again == 0
    symmetric = maps + maps.flip(-1)
    assert epochs((pictures, symmetric), (pictures.flip(-1), symmetric)).turned[0].by == ()


@pytest.mark.parametrize("batch", [("text", torch.zeros(1)), torch.zeros(3), (torch.zeros(3), torch.zeros(2)), ([], {}), None])
def test_other_batches_are_left_alone(batch):
    assert epochs(batch, batch).answers == ()


class Points(Dataset):
    def __init__(self, draw, rng=None):
        self.draw, self.rng = draw, rng
        self.class_to_idx = {"a": 0, "b": 1}

    def __len__(self):
        return 4

    def __getitem__(self, row):
        return self.draw(row)


class Own(Points):
    def __getitem__(self, row):
        return self.noise()

    def noise(self):
        return self.rng.random()


class Anew(Own):
    def noise(self):
        self.rng = random.Random(3)
        return self.rng.random()


def alike(worker):
    numpy.random.seed(1)


def apart(worker):
    numpy.random.seed(torch.initial_seed() % 2**32)


def by_number(worker):
    numpy.random.seed(worker)


INNER = numpy.random.RandomState(0)


@pytest.mark.parametrize(
    ("dataset", "settings", "name"),
    [
        (Own(None, random.Random(0)), {}, "self.rng"),
        (Subset(Own(None, torch.Generator()), [0]), {}, "self.rng"),
        (Points(lambda row: OUTSIDE.random()), {}, "OUTSIDE"),
        (Points((lambda held: lambda row: held.rand())(INNER)), {}, "held"),
        (Points(lambda row: numpy.random.rand(), random.Random(0)), {}, None),
        (Points(lambda row: numpy.random.rand()), {"worker_init_fn": alike}, "alike"),
        (Points(lambda row: row), {"worker_init_fn": alike}, None),
        (Points(lambda row: numpy.random.rand()), {"worker_init_fn": apart}, None),
        (Points(lambda row: numpy.random.rand()), {"worker_init_fn": by_number}, None),
        (Anew(None), {}, None),
        (Own(None, random.Random(0)), {"num_workers": 0}, None),
    ],
)
def test_the_generator_that_workers_inherit(dataset, settings, name):
    before = OUTSIDE.bit_generator.state
    found = source_of(DataLoader(dataset, **{"num_workers": 2, **settings}))
    assert (found and (found.name or found.seeded_by)) == name and OUTSIDE.bit_generator.state == before


def test_class_numbers_are_read_through_parts_of_a_dataset():
    data = Points(None)
    assert dict(numbering_of(DataLoader(ConcatDataset([Subset(data, [1]), data]))).numbers) == {"a": 0, "b": 1}
    data.target_transform = int
    assert numbering_of(DataLoader(data)).numbers == ()


def test_graphs_are_counted_while_they_live():
    weight, graphs, kept = torch.ones(2, requires_grad=True), Graphs(), []
    for _ in range(5):
        output = weight * 2
        graphs.passed(0, None, output)
    assert graphs.most[0, None] == 1  # the one before was let go when its variable was set anew
    graphs.learnt()
    for _ in range(5):
        kept.append((weight * 2).sum())
        graphs.passed(1, None, kept[-1])
    assert graphs.most[1, None] == 5
