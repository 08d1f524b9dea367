"""What the data take of the host's memory, and what a forward pass makes anew, by hand-made numbers."""

from __future__ import annotations

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from dldebug_magics.engine.memory import limited
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.made_in_forward import made_in_forward
from dldebug_magics.observations.cards.data_memory import DataMemory, held, installed
from dldebug_magics.observations.cards.made_anew import MadeAnew


def seen(card, subject):
    return list(card.measure(subject))[-1]


def test_the_bytes_of_a_dataset_are_counted_once():
    x, y = torch.zeros(100, 8), torch.zeros(100, dtype=torch.long)
    assert held(TensorDataset(x, y, x[:, :4])) == 100 * 8 * 4 + 100 * 8


def test_arrays_count_and_mapped_files_do_not(tmp_path):
    class Arrays(Dataset):
        def __init__(self, array):
            self.array = array

    numpy.save(tmp_path / "data.npy", numpy.zeros((50, 4)))
    assert held(Arrays(numpy.zeros((50, 4)))) == 50 * 4 * 8
    assert held(Arrays(numpy.zeros((50, 4))[:10])) == 50 * 4 * 8  # a view keeps all of it
    assert held(Arrays(numpy.load(tmp_path / "data.npy", mmap_mode="r"))) == 0


@pytest.mark.parametrize(("context", "copies"), [(None, 1), ("fork", 1), ("spawn", 4)])
def test_workers_prefetching_and_copies(context, copies):
    data = TensorDataset(torch.zeros(100, 8))
    loader = DataLoader(data, 10, num_workers=3, prefetch_factor=5, multiprocessing_context=context)
    card = seen(DataMemory, Subject(nn.Linear(8, 1), train=loader, batch=(torch.zeros(10, 8),)))
    assert (card.held, card.copies, card.batch, card.waiting) == (3200, copies, 320, 3 * 5 * 320)
    assert card.host == installed() > 1e8


def test_a_limit_of_the_cpu_is_the_hosts():
    loader = DataLoader(TensorDataset(torch.zeros(100, 8)), 10)
    assert seen(DataMemory, Subject(nn.Linear(8, 1), train=loader, memory=limited(5e5))).host == 5e5


class Making(nn.Module):
    """A layer that is made in each call, in the first, or by a lazy one."""

    def __init__(self, how):
        super().__init__()
        self.how, self.first, self.lazy = how, nn.Linear(4, 6), nn.LazyLinear(2) if how == "lazy" else None

    def forward(self, x):
        x = nn.Dropout(0.0)(self.first(x))
        if self.how == "each":
            return nn.Linear(6, 2)(x)
        if self.how == "first" and not hasattr(self, "late"):
            self.late = nn.Linear(6, 2)
        return self.lazy(x) if self.how == "lazy" else self.late(x)


@pytest.mark.parametrize(("how", "count"), [("each", 2), ("first", 0), ("lazy", 0)])
def test_what_a_second_call_makes(how, count):
    batch = torch.randn(5, 4), torch.randn(5, 2)
    card = seen(MadeAnew, Subject(Making(how), nn.MSELoss(), batch=batch))
    assert (card.parameters, card.size) == (count, 4 * 14 if count else 0)
    assert card.kinds == (("Linear",) if count else ())


def test_the_hook_lets_go():
    with made_in_forward(nn.Linear(2, 2)) as found:
        nn.Linear(3, 3)
    nn.Linear(3, 3)
    assert [made.size for made in found] == [36, 12]
