"""Many samples out of whatever holds the data: which ones, in which batches, and without a trace."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, SequentialSampler, SubsetRandomSampler, TensorDataset

from dldebug_magics.engine.samples import numbered, portions, readable

ROWS = torch.arange(100.0)[:, None].repeat(1, 3)
PAIRS = TensorDataset(ROWS, torch.arange(100))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(ROWS, range(100), strict=True))


class Counting(Dataset):
    """A dataset that remembers what was read from it."""

    def __init__(self):
        self.asked, self.cache = 0, {}

    def __len__(self):
        return 100

    def __getitem__(self, row):
        self.asked += 1
        self.cache[row] = ROWS[row]
        return ROWS[row], row


def labels(source, limit=1000):
    return [int(y) for portion in portions(source, limit) for y in portion.batch[1]]


SOURCES = {
    "dataset": PAIRS,
    "sequential loader": DataLoader(PAIRS, batch_size=7),
    "shuffling loader": DataLoader(PAIRS, batch_size=7, shuffle=True),
    "loader with workers": DataLoader(PAIRS, batch_size=7, num_workers=2),
    "a batch sampler": DataLoader(PAIRS, batch_sampler=BatchSampler(SequentialSampler(PAIRS), 7, drop_last=False)),
    "stream": Stream(),
    "loader of a stream": DataLoader(Stream(), batch_size=7),
    "one batch": (ROWS, torch.arange(100)),
    "list of batches": [(ROWS[:50], torch.arange(50)), (ROWS[50:], torch.arange(50, 100))],
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_sample_once_and_its_number(source):
    found = list(portions(source, 1000))
    assert sorted(labels(source)) == list(range(100))
    assert [number for portion in found for number in portion.numbers] == list(range(100))
    assert all(torch.equal(portion.batch[0][:, 0].long(), portion.batch[1]) for portion in found)


def test_a_large_set_is_read_at_even_distances_and_in_its_order():
    assert labels(DataLoader(PAIRS, batch_size=4, shuffle=True), 10) == list(range(0, 100, 10))
    assert len(labels(Stream(), 10)) == 32  # a stream is read from its start, in whole batches


def test_a_sampler_that_picks_its_own_samples_is_followed():
    loader = DataLoader(PAIRS, batch_size=8, sampler=SubsetRandomSampler(range(20)))
    assert numbered(loader) is None
    assert sorted(labels(loader)) == list(range(20))


def test_a_collate_function_of_the_users_makes_the_batch():
    loader = DataLoader(
        PAIRS, batch_size=4, collate_fn=lambda pairs: (torch.stack([x for x, _ in pairs]) + 1, torch.stack([y for _, y in pairs]))
    )
    assert float(next(portions(loader, 4)).batch[0][0, 0]) == 1.0


def test_reading_leaves_no_trace_in_the_dataset():
    data = Counting()
    assert len(labels(DataLoader(data, batch_size=8))) == 100
    assert data.asked == 0 and data.cache == {}


def test_workers_that_serve_the_user_go_on():
    loader = DataLoader(PAIRS, batch_size=10, num_workers=1, persistent_workers=True)
    walk = iter(loader)
    first = next(walk)[1].tolist()
    assert labels(loader) == list(range(100))
    assert first + [int(y) for _, ys in walk for y in ys] == list(range(100))


def test_what_cannot_be_read_twice():
    assert not readable(iter(DataLoader(PAIRS))) and not readable("train") and not readable(None)
    assert readable(PAIRS) and readable(DataLoader(PAIRS)) and readable((ROWS, ROWS))
