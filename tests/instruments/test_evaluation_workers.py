"""A split evaluated by worker processes: the same sums to the last bit, the same errors, and nobody left behind."""

from __future__ import annotations

import os
import signal
import threading
import time

import psutil
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.engine.deadline import TimeSpent
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.evaluation import sending
from dldebug_magics.instruments.evaluation.passes import scored
from dldebug_magics.instruments.evaluation.pools import pool_of

N = 519
numbers = torch.Generator().manual_seed(0)
DATA = TensorDataset(torch.randn(N, 12, generator=numbers), torch.randint(0, 4, (N,), generator=numbers), torch.arange(N) // 7)
LOSS = nn.CrossEntropyLoss()


class Stream(IterableDataset):
    def __iter__(self):
        yield from zip(*DATA.tensors[:2], strict=True)


class Noisy(Dataset):
    """Augmented in a way of its own: read here, or each worker would draw other numbers."""

    def __len__(self):
        return 200

    def __getitem__(self, number):
        return DATA[number][0] + torch.randn(12), DATA[number][1]


def net():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(12, 33), nn.BatchNorm1d(33), nn.ReLU(), nn.Dropout(), nn.Linear(33, 4))


def pairs():
    return TensorDataset(*DATA.tensors[:2])


SOURCES = {
    "in order": lambda: DataLoader(pairs(), 20),
    "shuffled": lambda: DataLoader(pairs(), 20, shuffle=True),
    "with a generator of its own": lambda: DataLoader(pairs(), 20, shuffle=True, generator=torch.Generator().manual_seed(5)),
    "stream": lambda: DataLoader(Stream(), 20),
    "batches": lambda: [(DATA.tensors[0][at : at + 31], DATA.tensors[1][at : at + 31]) for at in range(0, N, 31)],
    "dataset": pairs,
    "augmented": lambda: DataLoader(Noisy(), 20, shuffle=True),
    "one sample at a time": lambda: DataLoader(TensorDataset(DATA.tensors[0][:40, None], DATA.tensors[1][:40, None]), None),
}


@pytest.fixture(scope="module")
def pool():
    with pool_of(2) as workers:
        yield workers


def found(source, metric="error", model=None, **options):
    torch.manual_seed(3)
    subject = Subject(model if model is not None else net(), LOSS, names={"model": "net"})
    return list(scored(subject, source, "val", metric, **options))[-1]


def bits(result):
    value, sums = result.value, result.sums  # asking for the value puts all rows in their places
    kept = sums.sums.tobytes() if hasattr(sums, "sums") else [part.numpy().tobytes() for part in sums.together()]
    return result.samples, result.batches, value, kept, result.confidence.buckets.total.tobytes()


@pytest.mark.parametrize("kind", SOURCES)
def test_the_same_sums_to_the_last_bit(kind, pool):
    for metric in ("error", "loss") if kind != "shuffled" else ("error", "loss", "f1", "perplexity", "auroc", "sklearn.log_loss"):
        assert bits(found(SOURCES[kind](), metric)) == bits(found(SOURCES[kind](), metric, pool=pool)), metric


def test_groups_come_along(pool):
    one, many = (found(DataLoader(DATA, 20), groups=lambda batch: batch[2], **options) for options in ({}, {"pool": pool}))
    assert one.sums.filled.tobytes() == many.sums.filled.tobytes() and 70 < len(one.sums.filled) <= 75


def test_a_dataset_that_is_large_or_holds_a_file_is_read_here(pool, monkeypatch, tmp_path):
    one, source = bits(found(SOURCES["shuffled"]())), SOURCES["shuffled"]()
    source.dataset.file = (tmp_path / "log").open("w")
    assert bits(found(source, pool=pool)) == one
    monkeypatch.setattr(sending, "_MOST", 1000)
    assert bits(found(SOURCES["shuffled"](), pool=pool)) == one


def test_a_last_batch_that_two_threads_compute_otherwise_than_one_is_the_same(pool):
    wide = nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 4))
    data, threads = TensorDataset(torch.randn(3 * 64 + 7, 784), torch.arange(3 * 64 + 7) % 4), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        one, many = (bits(found(DataLoader(data, 64), "loss", wide, **options)) for options in ({}, {"pool": pool}))
    finally:
        torch.set_num_threads(threads)
    assert one == many


class Fussy(nn.Linear):
    def forward(self, x):
        if (x == DATA.tensors[0][250]).all(1).any():
            raise ArithmeticError("not this one")
        return super().forward(x)


def test_an_exception_of_the_model_is_the_one_of_one_process(pool):
    with pytest.raises(ArithmeticError, match="not this one") as error:
        found(SOURCES["in order"](), model=Fussy(12, 4), pool=pool)
    assert "raise ArithmeticError" in str(error.traceback[-1].statement), "the line in the user's own file"


def test_outputs_that_are_no_numbers_are_told_with_their_batch(pool):
    def spoilt():
        inputs = DATA.tensors[0].clone()
        inputs[250:253] = float("nan")
        return DataLoader(TensorDataset(inputs, DATA.tensors[1]), 20)

    said = []
    for options in ({}, {"pool": pool}):
        with pytest.raises(UserMistake) as mistake:
            found(spoilt(), model=nn.Linear(12, 4), **options)
        said.append(str(mistake.value))
    assert said[0] == said[1] and said[0].startswith("3 of 20 outputs of batch 13 are no numbers")


class Remembers(nn.Linear):
    def forward(self, x):
        self.seen = getattr(self, "seen", 0) + 1
        return super().forward(x) * self.seen


class Locked(nn.Linear):
    def __init__(self):
        super().__init__(12, 4)
        self.lock = threading.Lock()


class Draws(nn.Linear):
    def forward(self, x):
        return super().forward(x) + (torch.rand(()) if len(x) != 20 else 0)


REFUSED = {
    "a state": (Remembers(12, 4), "keeps something from batch to batch"),
    "a lock": (Locked(), "`net` can't be sent to a worker: TypeError: cannot pickle '_thread.lock' object; leave out --workers"),
    "random numbers": (Draws(12, 4), "random numbers are drawn in evaluating `val`"),
    "another device": (nn.Linear(12, 4, device="meta"), "`net` is on meta"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_workers_cannot_do_is_one_line(kind, pool):
    model, said = REFUSED[kind]
    with pytest.raises(UserMistake) as mistake:
        found(SOURCES["in order"](), model=model, pool=pool)
    assert said in str(mistake.value) and "\n" not in str(mistake.value)


def children():
    return {process.pid for process in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize(("workers", "said"), [(2, "can't be sent to a worker"), (-1, "--workers wants a number of processes")])
def test_the_experiment_hands_its_splits_to_workers(workers, said):
    before = children()
    with pytest.raises(UserMistake, match=said):
        list(ask("bias_variance", Subject(Locked(), LOSS, val=SOURCES["in order"]()), workers=workers))
    assert children() <= before


class Slow(nn.Linear):
    def forward(self, x):
        time.sleep(0.02)
        return super().forward(x)


class Dies(nn.Linear):
    def forward(self, x):
        if (x == DATA.tensors[0][250]).all(1).any():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)


def test_the_time_is_kept(pool):
    until = time.monotonic() + 1.5
    with pytest.raises(TimeSpent):
        for seen in scored(Subject(Slow(12, 4), LOSS, deadline=until), DataLoader(pairs(), 1), "val", pool=pool):
            last = seen
    assert 0 < last.samples < N and time.monotonic() - until < 5


def test_the_stop_button_and_a_worker_that_dies_leave_nobody_behind():
    before = children()
    with pytest.raises(UserMistake, match=r"is gone: ended by signal 9"), pool_of(2) as pool:
        assert len(children() - before) == 2
        reading = scored(Subject(Slow(12, 4), LOSS), DataLoader(pairs(), 4), "val", pool=pool)
        next(reading)
        with pytest.raises(KeyboardInterrupt):
            reading.throw(KeyboardInterrupt)
        found(SOURCES["in order"](), model=Dies(12, 4), pool=pool)
    assert children() <= before
