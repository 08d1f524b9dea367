"""Structures of tensors: walked, mapped and copied without touching the original."""

from __future__ import annotations

import collections
import dataclasses
import types
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

from dldebug_magics.engine.nested import copied, fields, fresh, is_record, mapped, parts, tensors


class Point(NamedTuple):
    """A named tuple."""

    x: Any
    y: Any


@dataclasses.dataclass(frozen=True)
class Frozen:
    """A dataclass that can't be written to."""

    x: Any
    note: str = "kept"


class Shared(collections.abc.MutableMapping):
    """A mapping whose shallow copy shares its contents."""

    def __init__(self, **values: Any):
        self.values_of = values

    def __getitem__(self, key: str) -> Any:
        return self.values_of[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.values_of[key] = value

    def __delitem__(self, key: str) -> None:
        del self.values_of[key]

    def __iter__(self) -> Any:
        return iter(self.values_of)

    def __len__(self) -> int:
        return len(self.values_of)


class Batch:
    """What a collate function of one's own returns."""

    def __init__(self, x: Tensor):
        self.x, self.names = x, ["a"]


leaf = st.integers(0, 5).map(lambda n: torch.arange(float(n))) | st.integers() | st.text(max_size=3) | st.none()
structures = st.recursive(
    leaf,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.tuples(inner, inner).map(lambda pair: Point(*pair))
        | inner.map(Frozen)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(collections.UserDict)
    ),
    max_leaves=8,
)


def flat(thing: Any) -> list[Any]:
    """The test's own walk: types and leaves in order."""
    if isinstance(thing, Tensor):
        return [tuple(thing.tolist())]
    if isinstance(thing, (collections.UserDict, dict)):
        return [type(thing), *(part for key in thing for part in (key, *flat(thing[key])))]
    if isinstance(thing, (list, tuple)):
        return [type(thing), *(part for item in thing for part in flat(item))]
    return [Frozen, *flat(thing.x)] if isinstance(thing, Frozen) else [thing]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(structures)
def test_a_mapped_structure_has_the_same_form_and_the_original_is_untouched(structure):
    before = flat(structure)
    doubled = mapped(structure, lambda t: t * 2)
    assert flat(structure) == before
    assert flat(mapped(doubled, lambda t: t / 2)) == before
    assert [t.tolist() for t in tensors(doubled)] == [(2 * t).tolist() for t in tensors(structure)]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(structures)
def test_a_copy_shares_no_memory(structure):
    taken = copied(structure)
    assert flat(taken) == flat(structure)
    for mine, yours in zip(tensors(taken), tensors(structure), strict=True):
        assert mine is not yours and (not mine.numel() or mine.data_ptr() != yours.data_ptr())


@settings(max_examples=50, deadline=None, derandomize=True)
@given(structures)
def test_tensors_are_the_tensors_among_the_parts(structure):
    assert [id(t) for t in tensors(structure)] == [id(p) for p in parts(structure) if isinstance(p, Tensor)]


def test_a_mapping_whose_copy_shares_its_contents_is_not_written_to():
    batch = Shared(x=torch.ones(2))
    changed = mapped(batch, lambda t: t + 1)
    assert batch["x"].tolist() == [1, 1] and changed["x"].tolist() == [2, 2]


def test_types_of_mappings_survive_with_what_else_they_hold():
    from transformers import BatchEncoding
    from transformers.modeling_outputs import SequenceClassifierOutput

    encoding = copied(BatchEncoding({"input_ids": torch.ones(2, 3)}))
    output = mapped(SequenceClassifierOutput(loss=torch.tensor(1.0), logits=torch.zeros(2)), lambda t: t + 1)
    counted = copied(collections.defaultdict(list, x=torch.zeros(1)))
    assert type(encoding) is BatchEncoding and encoding["input_ids"].shape == (2, 3)
    assert output.loss == 2 and output.logits.tolist() == [1, 1]
    assert counted["new"] == []


def test_a_packed_sequence_is_one_part_and_keeps_its_order():
    packed = pack_sequence([torch.ones(2, 1), torch.ones(3, 1)], enforce_sorted=False)
    twice = mapped({"x": packed}, lambda t: t * 2)["x"]
    lengths = nn.utils.rnn.pad_packed_sequence(twice, batch_first=True)[1]
    assert list(parts({"x": packed})) == [packed] and [t.shape[0] for t in tensors(packed)] == [5]
    assert lengths.tolist() == [2, 3] and float(twice.data.sum()) == 10


def test_a_packed_sequence_moves_with_its_order_but_not_its_lengths():
    packed = pack_sequence([torch.ones(2, 1), torch.ones(3, 1)], enforce_sorted=False)
    moved = mapped(packed, lambda t: t.to("meta"))
    assert moved.data.device == moved.sorted_indices.device == moved.unsorted_indices.device == torch.device("meta")
    assert moved.batch_sizes.device.type == "cpu"


@pytest.mark.parametrize("flag", [True, False])
def test_copies_keep_the_wish_for_a_gradient_but_not_the_graph(flag):
    x = torch.ones(2, requires_grad=True)
    taken = copied(x * 1 if flag else x.detach())
    assert taken.requires_grad is flag and taken.is_leaf


def test_a_fresh_structure_can_be_written_to_and_still_leads_back():
    x = torch.ones(2, requires_grad=True)
    again = fresh({"x": x})["x"]
    again.mul_(3)
    again.sum().backward()
    assert x.tolist() == [1, 1] and x.grad.tolist() == [3, 3]


def test_what_is_a_record():
    assert is_record(Batch(torch.zeros(1))) and is_record(types.SimpleNamespace(y=torch.zeros(1))) and is_record(Frozen(1))
    assert not any(map(is_record, [Frozen, nn.Linear(1, 1), torch.zeros(1), {"x": torch.zeros(1)}, types.SimpleNamespace(y=1), None]))


def test_a_record_of_ones_own_is_copied_whole():
    batch = Batch(torch.zeros(2))
    taken = mapped(batch, lambda t: t + 1)
    assert type(taken) is Batch and taken.x.tolist() == [1, 1] and batch.x.tolist() == [0, 0] and taken.names == ["a"]


def test_fields_of_all_that_has_names():
    assert fields({"x": 1}) == fields(types.SimpleNamespace(x=1)) == {"x": 1}
    assert fields(Point(1, 2)) == {"x": 1, "y": 2} and fields(Frozen(1)) == {"x": 1, "note": "kept"}
