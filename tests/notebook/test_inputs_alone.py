"""A model and its inputs, in a notebook that has a loss and another model's optimizer: what was not asked for is not held against it."""

from __future__ import annotations

import pytest

SET_UP = """
import torch
from torch import nn
net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 26 * 26, 10))
other = nn.Linear(8, 2)
criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(other.parameters())
images, labels = torch.randn(16, 1, 28, 28), torch.randint(0, 10, (16,))
class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Bilinear(4, 5, 3)
    def forward(self, a, b):
        return self.head(a, b)
two = Two()
"""


@pytest.fixture
def nb(run):
    assert run(SET_UP).error is None
    return run


@pytest.mark.parametrize("data", ["net images", "two (torch.randn(6, 4), torch.randn(6, 5))"])
def test_inputs_alone_are_traced_and_planned_without_the_loss(nb, data):
    trace = nb(f"%shape_trace {data} --quiet").value
    assert trace.ok and trace.experiment.loss is None and not trace.said
    assert nb(f"%memory_plan {data} --quiet").value.experiment.training.peak.total > 0


def test_with_labels_the_loss_of_the_notebook_is_taken_and_said(nb):
    trace = nb("%shape_trace net (images, labels) --quiet").value
    assert trace.experiment.loss is not None and trace.said == ("Taken from the notebook: loss `criterion`.",)
    assert "num_classes_mismatch" in [f.name for f in nb("%shape_trace net (images, labels + 30) --quiet").value.findings]


def test_a_loss_that_was_typed_is_used_all_the_same(nb):
    assert nb("%shape_trace net criterion images --quiet").value.experiment.failure.phase == "loss"


def test_what_trains_still_asks_whose_optimizer_it_is(nb):
    assert "`optimizer` holds no parameter of `net`" in str(nb("%overfit_batch net criterion (images, labels)").error)
