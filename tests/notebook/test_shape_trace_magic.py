"""%shape_trace as it is typed: shapes instead of a batch, options, and one line for a slip."""

from __future__ import annotations

import pytest

SET_UP = """
import torch
from torch import nn
net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
criterion = nn.CrossEntropyLoss()
loader = [(torch.randn(4, 3, 8, 8), torch.zeros(4, dtype=torch.long))]
"""


@pytest.fixture
def nb(run):
    run("%reload_ext dldebug")
    assert run(SET_UP).error is None
    return run


@pytest.mark.parametrize(
    "line", ["net --input 8x3x8x8", "net --input=8x3x8x8 --dtype float32", "net --input '(8, 3, 8, 8)'", 'net --input "8x3x8x8"']
)
def test_a_shape_instead_of_a_batch(nb, line):
    report = nb(f"%shape_trace {line}").value
    assert report.ok and report.untouched and [str(form) for form in report.experiment.outputs] == ["8 x 10"]


@pytest.mark.parametrize("batch", ["loader[0]", "loader[0][0]", "loader"])
def test_a_batch_without_its_loss(nb, batch):
    report = nb(f"%shape_trace net None None {batch}").value
    assert report.ok and report.experiment.loss is None and [str(form) for form in report.experiment.inputs] == ["4 x 3 x 8 x 8"]


def test_a_batch_right_after_the_model(nb):
    assert nb("batch = loader[0]\ndel criterion, loader").error is None
    assert [str(form) for form in nb("%shape_trace net batch").value.experiment.inputs] == ["4 x 3 x 8 x 8"]


def test_a_batch_with_its_loss(nb):
    report = nb("%shape_trace net criterion None loader --time --depth 1").value
    assert report.ok and report.experiment.loss is not None and report.experiment.rows[0].forward.median > 0


def test_a_part_of_the_model_alone(nb):
    nb(
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.body = nn.ModuleList([net[0], net[1]])\n"
        "        self.head, self.rest = net[3], nn.Linear(2, 2)\n        self.same = self.head\n"
        "    def forward(self, x):\n        for layer in self.body:\n            x = layer(x)\n        return self.head(x.flatten(1)) + 1"
    )
    nb("whole = Net()")

    def shown(at):
        return " ".join(repr(nb(f"%shape_trace whole --input 4x3x8x8 --at {at}").value).split())

    body = shown("body")
    assert "body.0 Conv2d" in body and "body.1 ReLU" in body and "Linear" not in body and "total of 2 calls" in body
    assert "head Linear" in shown("same") and "Conv2d" not in shown("same") and "total of 1 calls" in shown("same")
    idle = shown("rest")
    assert "No call was seen of `rest`" in idle and "rest Linear: not called" in idle and "not called" not in shown("head")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("net --input 8x3x8x8 --at 33", "no module `33` in the model; did you mean `3`?"),
        ("net --input 8x3x8x8 --at body", "no module `body` in the model; there are 0, 1, 2, 3"),
        ("net --input 8x3x8x", "`8x3x8x` is not a shape"),
        ("net --input 8x3x8x8 --dtype floaty", "`floaty` is no dtype of torch"),
        ("net None None iter(loader)", "is an iterator"),
    ],
)
def test_a_slip_is_one_line(nb, line, message):
    cell = nb(f"%shape_trace {line}")
    assert message in str(cell.error) and "Traceback" not in cell.err
