"""A batch is drawn from whatever holds data, is a copy, and takes nothing from the user; what holds none is refused in one line."""

from __future__ import annotations

import collections
import dataclasses
import types

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler, Subset, TensorDataset, get_worker_info

from dldebug_magics.engine.batch import cut, draw, is_one_batch
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from tests.deep_state import differences, state_of

X, Y = torch.arange(200.0).reshape(100, 2), torch.arange(100)
Named = collections.namedtuple("Named", "x y")


@dataclasses.dataclass
class Sample:
    """A batch with names."""

    x: torch.Tensor
    y: torch.Tensor


class Stream(IterableDataset):
    """Numbers without end; asks which worker it is, as streams do."""

    def __iter__(self):
        info = get_worker_info()
        start = 1000 * (info.id + 1) if info is not None else 0
        for number in range(start, start + 50):
            yield torch.tensor([float(number)])


class Duck:
    """A dataset by its methods alone."""

    def __len__(self):
        return 10

    def __getitem__(self, row):
        return X[row], Y[row]


class Reader(Dataset):
    """Keeps books about what was read, and draws from a generator."""

    def __init__(self):
        self.read, self.random, self.cache = 0, torch.Generator().manual_seed(3), {}

    def __len__(self):
        return 20

    def __getitem__(self, row):
        self.read += 1
        self.cache[row] = torch.rand(2, generator=self.random)
        return self.cache[row], row


def subject(train, **more) -> Subject:
    return Subject(nn.Linear(2, 1), nn.MSELoss(), train=train, names={"train": "train_dl"}, **more)


def pairs(count=100):
    return TensorDataset(X[:count], Y[:count])


@pytest.mark.parametrize(
    "source",
    [(X, Y), [X, Y], Named(X, Y), DataLoader(pairs(), batch_size=64), DataLoader(pairs(), batch_size=64, num_workers=2), [(X, Y), (X, Y)]],
    ids=lambda source: type(source).__name__,
)
def test_pairs_are_cut_to_their_first_samples(source):
    x, y = draw(subject(source), size=8)
    assert torch.equal(x, X[:8]) and torch.equal(y, Y[:8])


def test_named_batches_stay_named():
    assert draw(subject(Sample(X, Y)), 4).x.shape == (4, 2)
    assert draw(subject({"x": X, "y": Y}), 4)["y"].tolist() == [0, 1, 2, 3]
    assert draw(subject([{"x": X, "y": Y}]), 4)["x"].shape == (4, 2)
    assert type(draw(subject(Named(X, Y)), 4)) is Named
    assert draw(subject(types.SimpleNamespace(x=X)), 4).x.shape == (4, 2)


def test_one_tensor_is_a_batch():
    assert draw(subject(X), 4).shape == (4, 2)


@pytest.mark.parametrize("source", [pairs(), Duck(), Subset(pairs(), range(50))], ids=["dataset", "duck", "subset"])
def test_a_dataset_is_sampled_at_even_distances(source):
    _, y = draw(subject(source), size=5)
    assert len(y) == 5 and len(set(y.diff().tolist())) == 1 and int(y[-1]) >= 0.7 * int(source[len(source) - 1][1])


def test_a_dataset_smaller_than_the_batch_is_taken_whole():
    assert draw(subject(pairs(3)), size=8)[1].tolist() == [0, 1, 2]


def test_a_stream_gives_its_first_samples():
    assert draw(subject(Stream()), 4).flatten().tolist() == [0, 1, 2, 3]


def test_a_stream_with_workers_is_read_by_a_worker():
    assert draw(subject(DataLoader(Stream(), batch_size=4, num_workers=1)), 4).flatten().tolist() == [1000, 1001, 1002, 1003]


@pytest.mark.parametrize("prepare", [None, int], ids=["as they are", "prepared"])
def test_workers_that_serve_the_user_are_left_alone(prepare):
    loader = DataLoader(pairs(), batch_size=10, num_workers=1, persistent_workers=True, worker_init_fn=prepare)
    mine = iter(loader)
    first = next(mine)[1].tolist()
    drawn = draw(subject(loader), 4)[1].tolist()
    rest = [row for batch in mine for row in batch[1].tolist()]
    assert loader._iterator is mine and drawn == [0, 1, 2, 3] and first + rest == list(range(100))


def test_the_loaders_generator_and_sampler_stay_where_they_are():
    generator = torch.Generator().manual_seed(1)
    sampler = RandomSampler(pairs(), generator=torch.Generator().manual_seed(2))
    for loader in (DataLoader(pairs(), shuffle=True, generator=generator), DataLoader(pairs(), sampler=sampler)):
        mine = subject(loader)
        before = state_of(mine)
        drawn = [draw(mine, 1)[1].item() for _ in range(3)]
        assert not differences(before, state_of(mine))
        assert len(set(drawn)) == 1


def test_reading_leaves_no_trace_in_a_dataset_that_keeps_books():
    data = Reader()
    mine = subject(data)
    before = state_of(mine)
    drawn = draw(mine, 4)[0]
    assert not differences(before, state_of(mine))
    assert torch.equal(drawn, torch.rand(4, 2, generator=data.random))


def test_a_drawn_batch_is_a_copy():
    source = (torch.zeros(4, 2), torch.zeros(4))
    x, y = draw(subject(source))
    x.add_(1), y.add_(1)
    assert float(source[0].sum() + source[1].sum()) == 0


def test_a_wish_for_gradients_of_the_input_is_kept():
    assert draw(subject(torch.zeros(4, 2, requires_grad=True))).requires_grad


def test_a_batch_drawn_in_inference_mode_can_be_trained_on():
    with torch.inference_mode():
        x = draw(subject(torch.ones(4, 2)))
        z = draw(subject(X + 1))
    assert not x.is_inference() and not z.is_inference()


class OneShot:
    """Hands out the same iterator every time."""

    def __init__(self):
        self.batches = iter([(X, Y), (X, Y)])

    def __iter__(self):
        return self.batches


class Broken:
    """Raises at the first batch."""

    def __iter__(self):
        raise RuntimeError("file is gone")
        yield


class Tape(IterableDataset):
    """A stream that is its own iterator."""

    def __init__(self):
        self.place = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.place += 1
        return torch.tensor(float(self.place))


REFUSED = {
    "nothing": (None, "no training data"),
    "a string": ("train_dl", "is a str"),
    "a number": (3, "is an int"),
    "an object": (object(), "is an object"),
    "an iterator": (iter([(X, Y)]), "is an iterator"),
    "a generator": ((batch for batch in [(X, Y)]), "is an iterator"),
    "a one-shot iterable": (OneShot(), "is an iterator"),
    "a loader of a tape": (DataLoader(Tape()), "is an iterator"),
    "an empty list": ([], "is empty"),
    "an empty loader": (DataLoader(pairs(3), batch_size=8, drop_last=True), "3 samples, batches of 8, drop_last=True"),
    "an empty dataset": (pairs(0), "is empty"),
    "an empty tuple": ((), "without a tensor"),
    "strings": ([("a", "b")], "without a tensor"),
    "loaders": ({"train": DataLoader(pairs()), "val": DataLoader(pairs())}, "without a tensor"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_gives_no_batch_is_refused_in_one_line(kind):
    source, said = REFUSED[kind]
    with pytest.raises(UserMistake) as caught:
        draw(subject(source), 8)
    message = str(caught.value)
    assert said in message and "\n" not in message and (source is None or "train_dl" in message)


def test_refusing_an_iterator_takes_nothing_from_it():
    source, tape = OneShot(), Tape()
    for thing in (source, source.batches, tape, DataLoader(tape)):
        with pytest.raises(UserMistake):
            draw(subject(thing))
    assert len(list(source.batches)) == 2 and tape.place == 0


def test_a_step_may_take_anything():
    words = [["a", "b"], ["c"]]
    drawn = draw(subject([words], step=lambda batch: torch.tensor(float(len(batch)))))
    assert drawn == words and drawn is not words


def test_only_what_has_its_samples_along_the_first_axis_is_cut():
    packed = pack_sequence([torch.ones(40, 2)])
    whole = [(X, torch.zeros(50)), (X, torch.tensor(0.5)), (packed, torch.zeros(40))]
    assert all(cut(batch, 8) is batch for batch in whole)
    assert cut((X, Y), 8, batch_size=10)[0].shape == (100, 2)
    assert cut((X, Y), 8, batch_size=None)[0].shape == (8, 2)


@pytest.mark.parametrize(
    "source, answer",
    [
        (X, True), ((X, Y), True), ({"x": X}, True), (Sample(X, Y), True), ([X, Y], True),
        ([(X, Y)], False), ([{"x": X}], False), ([], False), (pairs(), False), (DataLoader(pairs()), False), (iter([X]), False),
    ],
)  # fmt: skip
def test_what_counts_as_one_batch(source, answer):
    assert is_one_batch(source) is answer


def test_what_the_data_raise_passes_through():
    with pytest.raises(RuntimeError, match="file is gone"):
        draw(subject(Broken()))
