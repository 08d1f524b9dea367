"""The cards of the stage `run`, against values worked out by hand."""

from __future__ import annotations

import struct

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.class_count import ClassCount
from dldebug_magics.observations.cards.first_pass import FirstPassCard
from dldebug_magics.observations.cards.idle_bias import IdleBiasCard
from dldebug_magics.observations.cards.in_place import InPlaceCard
from dldebug_magics.observations.cards.kept_graph import KeptGraph
from dldebug_magics.observations.cards.last_batch import LastBatchCard
from dldebug_magics.observations.cards.overflow import OverflowCard, wrapped
from dldebug_magics.observations.cards.placement import Held, PlacementCard
from dldebug_magics.observations.cards.stored_as import StoredAsCard, swapped
from dldebug_magics.observations.cards.targets import TargetCard
from dldebug_magics.observations.shape_trace import ShapeTrace


def last(card, subject, *needs):
    return list(card.measure(subject, *needs))[-1]


def of(net, *batch, loss=None, train=None):
    return Subject(net, loss, None, batch if train is None else train, batch=batch)


def test_placement_tells_registered_from_plain_from_listed():
    net = nn.Sequential(nn.Linear(3, 2))
    net.register_buffer("scale", torch.ones(1, dtype=torch.float64))
    net.table, net.more = torch.zeros(2), [nn.Linear(2, 2)]
    card = last(PlacementCard, of(net, torch.zeros(1, 3), loss=nn.CrossEntropyLoss(weight=torch.ones(2))))
    assert (card.device, card.dtype, card.data) == ("cpu", "float32", ())
    assert Held("scale", "cpu", "float64", True) in card.kept and Held("table", "cpu", "float32", False) in card.kept
    assert card.in_lists == (Held("more", "cpu", "float32", False),) and card.in_loss == (Held("weight", "cpu", "float32", True),)


def test_data_are_looked_at_only_for_a_model_elsewhere():
    net = nn.Linear(3, 2).to("meta")
    assert last(PlacementCard, of(net, train=DataLoader(TensorDataset(torch.zeros(4, 3))))).data == ("cpu",)
    assert last(PlacementCard, of(net, train=iter([]))).data == ()


def classified(outputs, labels, **more):
    net = nn.Sequential(nn.Linear(3, 8), nn.Linear(8, outputs))
    subject = of(net, torch.zeros(len(labels), 3), torch.tensor(labels), loss=nn.CrossEntropyLoss(**more))
    return last(ClassCount, subject, last(TargetCard, subject))


@pytest.mark.parametrize(
    ("labels", "needed"),
    [([0, 1, 2], 0), ([0, 4, 2], 5), ([1, 2, 3], 0), ([-1, 0, 2], 0), ([0, 255, 2], 0), ([2, 4, 1], 5), ([-100, 4, 1], 5)],
)
def test_outputs_are_needed_where_labels_can_not_be_renumbered(labels, needed):
    assert classified(3, labels).needed == needed


def test_the_layer_that_makes_the_outputs_is_named():
    count = classified(3, [0, 3])
    assert (count.layer, count.kind, count.inputs, count.outputs, count.low, count.high) == ("1", "Linear", 8, 3, 0, 3)


@pytest.mark.parametrize(("size", "left_over"), [(4, True), (3, False), (8, True), (9, False), (1, False)])
def test_one_sample_is_left_over(size, left_over):
    net, train = nn.BatchNorm1d(3), DataLoader(TensorDataset(torch.randn(9, 3)), batch_size=size)
    card = last(LastBatchCard, of(net, torch.randn(4, 3), train=train))
    assert bool(card.refused) is left_over and card.samples == (9 if left_over else 0)
    dropping = DataLoader(TensorDataset(torch.randn(9, 3)), batch_size=size, drop_last=True)
    assert not last(LastBatchCard, of(net, torch.randn(4, 3), train=dropping)).refused
    assert not last(LastBatchCard, of(net.eval(), torch.randn(4, 3), train=train)).refused


def test_an_idle_bias_feeds_its_norm_and_moves_nothing():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.idle, self.used, self.norm, self.other = nn.Linear(3, 4), nn.Linear(4, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4)

        def forward(self, x):
            return self.other(self.used(self.norm(self.idle(x))).relu())

    card = last(IdleBiasCard, of(Net(), torch.randn(8, 3)))
    assert card.layers == (("idle", "norm"),) and card.moved < 1e-4
    net = Net()
    net.norm.eval()
    assert last(IdleBiasCard, of(net, torch.randn(8, 3))).layers == ()


def test_bytes_swapped_by_hand():
    numbers = [1.0, -2.5, 3.25e-3]
    raw = b"".join(struct.pack(">f", number) for number in numbers)
    read = torch.tensor(struct.unpack("<3f", raw), dtype=torch.float32)
    assert torch.equal(swapped(read), torch.tensor(numbers))
    assert torch.equal(swapped(swapped(read)), read)


STORED = {
    "float64 as float32": (torch.randn(8, 6, dtype=torch.float64).view(torch.float32), "float64"),
    "int32 as float32": (torch.randint(0, 999, (8, 6), dtype=torch.int32).view(torch.float32), "int32"),
    "int64 as float32": (torch.randint(0, 999, (8, 6)).view(torch.float32), "int64"),
    "big-endian float64": (
        torch.from_numpy(numpy.random.default_rng(0).normal(size=(8, 6)).astype(">f8").view("<f8")),
        "the other byte order",
    ),
    "as it is": (torch.randn(8, 6), ""),
    "far apart": (torch.exp(40 * torch.randn(8, 50)), ""),
    "a kernel": (torch.exp(-100 * torch.randn(8, 50).square()), ""),
    "a mask": (torch.zeros(8, 8).masked_fill(torch.ones(8, 8).triu(1).bool(), -torch.inf), ""),
    "a mask of smallest numbers": (torch.zeros(8, 8).masked_fill(torch.ones(8, 8).triu(1).bool(), torch.finfo(torch.float32).min), ""),
    "nothing but nan": (torch.full((8, 8), torch.nan), ""),
}


@pytest.mark.parametrize(("tensor", "reading"), STORED.values(), ids=STORED.keys())
def test_what_was_stored(tensor, reading):
    assert last(StoredAsCard, of(nn.Identity(), tensor)).reading == reading


class Shifted(Dataset):
    """Adds to its bytes, as its kind of number allows."""

    def __init__(self, kind):
        self.bytes, self.kind = numpy.arange(0, 256, 4, dtype=numpy.uint8).reshape(4, 16), kind

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.from_numpy((self.bytes[index].astype(self.kind) if self.kind else self.bytes[index] + numpy.uint8(60)) / 255.0)


def test_the_share_that_wraps_in_a_data_set():
    card = last(OverflowCard, of(nn.Identity(), torch.zeros(4, 16), train=Shifted(None)))
    expected = float((numpy.arange(0, 256, 4) + 60 > 255).mean())
    assert card.in_data == "Shifted" and card.share == pytest.approx(expected)
    whole = numpy.arange(0, 256, 4)
    assert wrapped((whole + 60) % 256 / 255.0, (whole + 60) / 255.0) == pytest.approx(expected)
    assert wrapped(whole / 255.0, whole / 1.0) is None, "scaled otherwise"
    assert wrapped((whole > 99) * 1.0 - 0.5, (whole > 99) * 255.0 - 0.5) is None, "a mask, scaled and centred"
    assert wrapped(255 - whole, -whole - 1) is None, "turned over: nothing is as before"
    assert last(OverflowCard, of(nn.Identity(), torch.zeros(4, 16), train=Shifted(numpy.float32))).in_data == ""


def test_the_first_pass_names_what_spoilt_it():
    net = nn.Sequential(nn.Linear(3, 3))
    masked = lambda z, y: torch.softmax(z.masked_fill(torch.ones(3, dtype=torch.bool), -torch.inf), 1).sum()  # noqa: E731
    assert last(FirstPassCard, of(net, torch.randn(4, 3), torch.zeros(4), loss=masked)).culprit.masks_all
    assert last(FirstPassCard, of(net, torch.randn(4, 3), torch.zeros(4, 3), loss=nn.MSELoss())).culprit is None


def test_cards_of_a_crash_see_nothing_where_there_was_none():
    subject = of(nn.Linear(3, 3), torch.randn(4, 3), torch.zeros(4, 3), loss=nn.MSELoss())
    trace = last(ShapeTrace, subject)
    assert list(InPlaceCard.measure(subject, trace)) == [] and list(KeptGraph.measure(subject, trace)) == []
