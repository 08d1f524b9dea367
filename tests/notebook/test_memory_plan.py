"""`%memory_plan` as a user types it, in a real shell with the real engine."""

from __future__ import annotations

import pytest
import torch

SET_UP = """
import torch
from torch import nn
def build():
    return nn.Sequential(nn.Linear(20, 300), nn.ReLU(), nn.Linear(300, 10))
criterion = nn.CrossEntropyLoss()
batch = torch.randn(64, 20), torch.randint(0, 10, (64,))
net = build()
"""


@pytest.fixture
def nb(run):
    assert run(SET_UP).error is None
    return run


def test_a_limit_is_typed_with_its_unit(nb):
    report = nb("%memory_plan net criterion batch --limit 250kB").value
    assert report.experiment.limit == 250e3
    assert [f.name for f in report.findings] == ["batch_too_large"]
    assert "ERROR, proven: batch_too_large" in nb("report = %memory_plan net criterion batch --limit=250kB\nprint(report)").out


def test_an_optimizer_is_known_by_the_name_of_its_kind(nb):
    adam = nb("%memory_plan net criterion batch --optimizer adam").value
    sgd = nb("%memory_plan net criterion batch --optimizer SGD").value
    assert adam.experiment.training.state > 0 == sgd.experiment.training.state
    assert "Made for this: Adam with torch's defaults." in adam.said
    assert not adam.experiment.default_optimizer
    nb("adam = torch.optim.SGD(net.parameters(), 0.1)")
    assert nb("%memory_plan net criterion batch --optimizer adam").value.experiment.training.state == 0


def test_other_words_are_still_mistakes(nb):
    cell = nb("%memory_plan net criterion batch --optimizer adma")
    assert "no name `adma`" in str(cell.error)
    assert "no amount of memory" in str(nb("%memory_plan net criterion batch --limit plenty").error)


def test_train_may_stand_alone(nb):
    alone = nb("%memory_plan net batch --optimizer adam --train").value.experiment
    assert alone.training.state == nb("%memory_plan net criterion batch --optimizer adam").value.experiment.training.state > 0
    assert alone.evaluation is not None
    assert "--train wants" in str(nb("%overfit_batch net criterion --train").error)


def test_the_batch_of_another_size_is_planned(nb):
    few, many = (nb(f"%memory_plan net criterion batch --samples {count}").value.experiment for count in (64, 640))
    assert (few.samples, many.samples) == (64, 640)
    assert many.training.peak.total > few.training.peak.total


def test_what_a_cell_that_ran_twice_left_behind(nb):
    for _ in range(2):
        nb("net = build()\nnet")
    report = nb("%memory_plan net criterion batch --limit 1MB").value
    found = next(f for f in report.findings if f.name == "multiple_models_alive")
    assert "Sequential (Out[" in found.evidence.facts[0].seen
    without = nb("%memory_plan net criterion batch").value
    assert not without.alarms and "multiple_models_alive" in [f.name for f in without.findings]


def test_a_sum_of_losses_is_seen_by_its_name(nb):
    nb("""
optimizer = torch.optim.SGD(net.parameters(), 0.1)
total = 0
for _ in range(12):
    optimizer.zero_grad()
    loss = criterion(net(batch[0]), batch[1])
    loss.backward()
    optimizer.step()
    total += loss
""")
    report = nb("%memory_plan net criterion optimizer batch --limit 1GB").value
    assert [(f.name, f.where) for f in report.findings] == [("loss_history_leak", "`total`")]
    assert report.code() == "total += loss.item()"


def test_help_tells_its_options(nb):
    out = nb("%memory_plan --help").out
    assert "--limit LIMIT" in out and "--samples" in out and "the memory there is, such as 8GB" in " ".join(out.split())


def test_the_python_function_has_the_same_options():
    import dldebug

    net = torch.nn.Linear(4, 2)
    report = dldebug.memory_plan(net, torch.nn.MSELoss(), None, (torch.randn(8, 4), torch.randn(8, 2)), limit="1GB")
    assert report.ok and report.experiment.largest > 8
