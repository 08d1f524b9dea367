"""The batch that %shape_trace traces: shapes as people type them, labels left out, and one clear line for what is no batch."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import dldebug
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.observations.shape_trace.given import made_up

relaxed = settings(max_examples=80, deadline=None, derandomize=True)
sizes = st.lists(st.integers(0, 5), min_size=1, max_size=4)
dtypes = st.sampled_from(["float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool", "complex64"])
names = st.from_regex(re.compile(r"[A-WYZa-wyz_][A-Za-z0-9_]{0,6}", re.ASCII), fullmatch=True)
joints = st.sampled_from(["x", "X", "×", "*", " x "])


@st.composite
def typed(draw, shape):
    """A shape as somebody types it."""
    if draw(st.booleans()):
        return draw(st.sampled_from(["(%s)", "[%s]", "(%s,)"])) % draw(st.sampled_from([", ", ","])).join(map(str, shape))
    return draw(joints).join(map(str, shape))


@relaxed
@given(st.data(), sizes, dtypes)
def test_one_shape(data, shape, dtype):
    found = made_up(data.draw(typed(shape)), dtype, None)
    assert tuple(found.shape) == tuple(shape) and str(found.dtype) == f"torch.{dtype}"
    assert made_up("x".join(map(str, shape)), f"torch.{dtype}", None).equal(found), "the same numbers each time"


@relaxed
@given(st.data(), st.lists(st.tuples(sizes, dtypes), min_size=2, max_size=3), st.sampled_from([",", ", ", " "]))
def test_several_shapes_each_with_its_dtype(data, parts, gap):
    found = made_up(gap.join(f"{data.draw(typed(shape))}:{dtype}" for shape, dtype in parts), "float32", None)
    assert [(list(t.shape), str(t.dtype)) for t in found] == [(shape, f"torch.{dtype}") for shape, dtype in parts]


@relaxed
@given(st.data(), st.dictionaries(names, sizes, min_size=1, max_size=3))
def test_shapes_by_name(data, parts):
    found = made_up(", ".join(f"{name}={data.draw(typed(shape))}" for name, shape in parts.items()), "float32", None)
    assert {name: list(tensor.shape) for name, tensor in found.items()} == parts


@relaxed
@given(st.text(max_size=20) | st.text("0123456789xX ,:=()[]-.abc", max_size=20))
def test_anything_else_is_one_clear_line(text):
    try:
        made_up(text, "float32", torch.device("meta"))
    except UserMistake as mistake:
        assert "shape" in str(mistake) or "dtype" in str(mistake) or "name" in str(mistake) or "can't be had" in str(mistake)


WRONG = {
    "32x3x224x": "is not a shape",
    "axb": "is not a shape",
    "-1x3": "is not a shape",
    "x=2x4,3x4": "names some inputs",
    "x=2x4,x=3x4": "two alike",
    "2x4:floaty": "is no dtype of torch",
    "2x4:nn": "is no dtype of torch",
    "99999999999x99999999999x4": "can't be had",
    "1000000x10000000": "can't be had",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_shapes(text):
    with pytest.raises(UserMistake, match=re.escape(WRONG[text])):
        dldebug.shape_trace(nn.Linear(4, 3), input=text)


def test_the_users_random_numbers_stay_where_they_are():
    before = torch.get_rng_state()
    made_up("3x4", "float32", None)
    assert torch.equal(before, torch.get_rng_state())


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x, mask=None):
        return self.layer(x if mask is None else x * mask)


class Named(Masked):
    def forward(self, x, *, mask):
        return self.layer(x * mask)


x, labels = torch.randn(6, 4), torch.zeros(6, dtype=torch.long)
BATCHES = {
    "a pair": (nn.Linear(4, 3), (x, labels), ["6 x 4"]),
    "a list": (nn.Linear(4, 3), [x, labels], ["6 x 4"]),
    "a loader": (nn.Linear(4, 3), DataLoader(TensorDataset(x, labels), 2), ["2 x 4"]),
    "a dataset": (nn.Linear(4, 3), TensorDataset(torch.randn(100, 4), torch.zeros(100)), ["32 x 4"]),
    "labels where a mask would go": (Masked(), (x, labels), ["6 x 4"]),
    "a mask": (Masked(), (x, torch.ones(6, 4)), ["6 x 4", "6 x 4"]),
    "by name": (Named(), {"x": x, "mask": torch.ones(6, 4)}, ["6 x 4", "6 x 4"]),
    "a tensor": (nn.Linear(4, 3), x, ["6 x 4"]),
}


@pytest.mark.parametrize("name", BATCHES)
def test_labels_are_left_out_where_there_is_no_loss(name):
    model, batch, expected = BATCHES[name]
    report = dldebug.shape_trace(model, train=batch)
    assert report.ok and report.untouched and list(map(str, report.experiment.inputs)) == expected


def test_inputs_by_name_reach_a_model_that_needs_them():
    report = dldebug.shape_trace(Named(), input="x=2x4, mask=(2, 4)")
    assert report.ok and [str(form) for form in report.experiment.outputs] == ["2 x 3"]


def test_a_model_that_misses_an_input_is_a_crash_with_one_line():
    report = dldebug.shape_trace(Named(), input="2x4")
    assert not report.ok and report.untouched
    assert report.sentence().startswith(
        "It breaks in the forward pass (TypeError: Named.forward() missing 1 required keyword-only argument: 'mask')"
    )


@pytest.mark.parametrize("source", [iter([(x,)]), (x for _ in range(3)), iter(DataLoader(TensorDataset(x), 2))])
def test_an_iterator_is_no_batch(source):
    with pytest.raises(UserMistake, match="is an iterator"):
        dldebug.shape_trace(nn.Linear(4, 3), train=source)


def test_shapes_without_labels_leave_the_loss_out():
    loss = nn.CrossEntropyLoss()
    alone = dldebug.shape_trace(nn.Linear(4, 3), loss, input="6x4")
    assert alone.ok and alone.experiment.loss is None
    labelled = dldebug.shape_trace(nn.Linear(4, 3), loss, input="6x4, 6:int64")
    assert labelled.ok and str(labelled.experiment.loss) == "number"
