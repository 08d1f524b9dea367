"""The pilots' parts against numbers made by hand: data, loop, worth, paired effects, the law of learning curves."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.pilots.data import fixed, held_out, pilot_data
from dldebug_magics.instruments.pilots.effects import effects
from dldebug_magics.instruments.pilots.extrapolation import extrapolated
from dldebug_magics.instruments.pilots.loop import training
from dldebug_magics.instruments.pilots.power_law import fitted
from dldebug_magics.instruments.pilots.worth import worth


def samples(count, seed=0):
    numbers = torch.Generator().manual_seed(seed)
    return TensorDataset(torch.randn(count, 4, generator=numbers), torch.arange(count) % 2)


def read(loader):
    return torch.cat([batch[0] for batch in loader])


class Counted(Dataset):
    """Says how often it is read; at random where it is told to."""

    def __init__(self, count, random=False):
        self.count, self.random, self.reads = count, random, 0

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        self.reads += 1
        return torch.full((2,), float(number)) + (torch.rand(2) if self.random else 0.0), number % 2


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(torch.full((2,), float(number)), number % 2) for number in range(1000)])


def test_parts_of_the_data_are_nested_and_come_in_an_order_of_the_seeds_own():
    data = pilot_data(DataLoader(samples(100), 16, shuffle=True), 80, 0)
    parts = [{tuple(row.tolist()) for row in read(data.loader(3, share))} for share in (0.125, 0.25, 0.5, 1.0)]
    assert [len(part) for part in parts] == [10, 20, 40, 80] and data.total == 100
    assert all(small < large for small, large in itertools.pairwise(parts))
    assert torch.equal(read(data.loader(3)), read(data.loader(3))) and not torch.equal(read(data.loader(3)), read(data.loader(4)))
    assert {tuple(row.tolist()) for row in torch.cat([x for x, _ in data.evaluated(100, 3, 0.25)])} == parts[1]


def test_samples_are_read_once_unless_they_change():
    steady, changing = Counted(50), Counted(50, random=True)
    for source in (steady, changing):
        data = pilot_data(DataLoader(source, 10, shuffle=True), 50, 0)
        before = source.reads
        first, second = read(data.loader(0)), read(data.loader(0))
        assert source.reads - before == (50 if source is steady else 100)
        assert torch.equal(first, second) is (source is steady)


def test_a_last_batch_of_one_sample_is_left_out_and_other_last_batches_are_not():
    sizes = [[len(x) for x, _ in pilot_data(DataLoader(samples(count), 8, shuffle=True), 99, 0).loader(0)] for count in (17, 18, 1)]
    assert sizes == [[8, 8], [8, 8, 2], [1]]


def test_a_stream_is_read_from_its_start_and_a_list_of_batches_as_it_is():
    stream = pilot_data(DataLoader(Stream(), 16), 40, 0)
    assert sorted(read(stream.loader(0))[:, 0].tolist()) == list(range(48)) and stream.total is None
    batches = [(torch.full((3, 2), float(number)), torch.zeros(3)) for number in range(4)]
    assert sorted(read(pilot_data(batches, 100, 0).loader(1))[:, 0].tolist()) == [number for number in range(4) for _ in range(3)]
    assert len(read(fixed(held_out(batches, "val", 6, 0)))) == 6


def program(optimizer=torch.optim.SGD, **settings):
    torch.manual_seed(0)
    net = nn.Linear(4, 2)
    return Subject(net, nn.CrossEntropyLoss(), optimizer(net.parameters(), **settings), DataLoader(samples(20), 8))


def test_the_loop_is_the_one_that_anyone_would_write():
    subject, twin = program(lr=0.1, momentum=0.9), program(lr=0.1, momentum=0.9)
    assert list(training(subject, 50)) == [8, 16, 20, 28, 36, 40, 48, 56]
    for x, y in [*twin.train, *twin.train, *list(twin.train)[:2]]:
        twin.optimizer.zero_grad()
        twin.loss_fn(twin.model(x), y).backward()
        twin.optimizer.step()
    assert torch.equal(subject.model.weight, twin.model.weight)


def test_an_optimizer_that_asks_for_the_loss_again_is_given_it():
    subject = dataclasses.replace(program(torch.optim.LBFGS, lr=0.1, max_iter=5), train=DataLoader(samples(20), 20))
    x, y = samples(20).tensors
    before = subject.loss_fn(subject.model(x), y)
    assert list(training(subject, 20)) == [20]
    assert subject.loss_fn(subject.model(x), y) < before


def test_worths_of_the_same_samples_are_drawn_together():
    source = [(x, y) for x, y in DataLoader(samples(400), 100)]
    one, two = (worth(program(lr=0.1), source, "val", "error", 7) for _ in range(2))
    assert numpy.array_equal(one.draws, two.draws) and one.samples == 400
    assert one.draws.std() == pytest.approx(math.sqrt(one.value * (1 - one.value) / 400), rel=0.1)


def test_one_change_alone_has_students_interval():
    from scipy.stats import t, ttest_1samp

    found = numpy.array([-3.0, -4.0, -2.0, -3.5])
    (effect,) = effects([(found, numpy.zeros((4, 100)))])
    low, high = ttest_1samp(found, 0.0).confidence_interval(0.95)
    assert (effect.value, effect.low, effect.high) == pytest.approx((found.mean(), low, high)) and effect.below_zero
    drawn = numpy.random.default_rng(0).normal(0, 2.0, size=(1, 5000)).repeat(4, 0)
    (wider,) = effects([(found, drawn)])
    of_seeds, of_samples = found.var(ddof=1) / 4, drawn[0].var(ddof=1)
    degrees = (of_seeds + of_samples) ** 2 / (of_seeds**2 / 3 + of_samples**2 / 5000)
    assert wider.high - wider.value == pytest.approx(t.ppf(0.975, degrees) * math.sqrt(of_seeds + of_samples))


def test_intervals_of_changes_without_effect_hold_0():
    luck, held = numpy.random.default_rng(1), []
    for _ in range(300):
        shares = luck.normal(size=6)  # what the samples do to each change, which their bootstrap knows the size of
        spreads = zip((0.5, 1, 1, 1, 2, 4), shares, strict=True)
        made = [(luck.normal(size=3) * spread + share, luck.normal(size=(1, 200)).repeat(3, 0)) for spread, share in spreads]
        held += [effect.low <= 0 <= effect.high for effect in effects(made)]
    assert 0.93 < numpy.mean(held) < 0.98


def test_one_seed_has_no_interval():
    (effect,) = effects([(numpy.array([-1.0]), numpy.zeros((1, 10)))])
    assert effect.value == -1.0 and not effect.known and not effect.below_zero


SIZES = (125, 250, 500, 1000)


def law(samples, a=0.1, b=3.0, c=0.5):
    return a + b * numpy.asarray(samples, dtype=float) ** -c


def test_the_law_is_found_and_lies_no_worse_than_scipys():
    from scipy.optimize import curve_fit

    assert fitted(SIZES, law(SIZES))[0] == pytest.approx([0.1, 3.0, 0.5], rel=0.02)
    noisy = law(SIZES) + numpy.array([0.01, -0.01, 0.008, -0.004])
    ours = fitted(SIZES, noisy)[0]
    theirs, _ = curve_fit(law, SIZES, noisy, p0=(0.1, 1.0, 0.5), bounds=([0, 0, 0.05], [1, numpy.inf, 2.0]))
    assert ((law(SIZES, *ours) - noisy) ** 2).sum() <= ((law(SIZES, *theirs) - noisy) ** 2).sum() * 1.01


def test_twice_the_data_lie_within_the_interval_and_a_flat_curve_says_nothing():
    luck, held, flat = numpy.random.default_rng(2), [], 0
    for run in range(60):
        errors = law(SIZES) + luck.normal(scale=0.01, size=(3, 4))
        drawn = errors.mean(0) + luck.normal(scale=0.002, size=(200, 4))
        found = extrapolated(SIZES, errors, drawn, 1000, seed=run)
        times, value, span = found.changes[0]
        assert times == 2 and value < 0
        held.append(span.low <= law(2000) - law(1000) <= span.high)
        level = 0.2 + luck.normal(scale=0.01, size=(3, 4))
        flat += extrapolated(SIZES, level, level.mean(0) + luck.normal(scale=0.002, size=(200, 4)), 1000) is not None
    assert numpy.mean(held) > 0.9 and flat <= 4
