"""`%improve` as a user types it, in a real shell with the real engine and the real remedies."""

from __future__ import annotations

import pytest

SET_UP = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def part(seed, count):
    numbers = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 6, generator=numbers)
    return TensorDataset(inputs, (inputs.sum(1) > 0).long())

torch.manual_seed(0)
net, loss_fn = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2)), nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
train_loader, held_out, val_loader = DataLoader(part(0, 64), 16, shuffle=True), part(1, 200), DataLoader(part(2, 200), 100)
for _ in range(20):
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        loss_fn(net(inputs), labels).backward()
        optimizer.step()
"""


@pytest.fixture
def nb(run):
    assert run(SET_UP).error is None
    return run


def test_the_term_and_the_remedy_are_options(nb):
    line = "%improve net loss_fn optimizer train_loader --train-val held_out --test-val val_loader --human 0.0"
    report = nb(f"{line} --term variance --only more_regularisation --passes 2 --seeds 2").value
    assert report.untouched and report.experiment.tried and report.experiment.setting.seeds == 2
    assert {found.remedy for found in report.experiment.tried} == {"more_regularisation"}
    assert "Each change on copies" in nb(f"report = {line} --term bias --only tuned --passes 1 --seeds 2\nprint(report)").out


def test_the_help_has_three_examples_and_a_slip_is_answered_with_the_nearest(nb):
    text = nb("%improve --help").out
    assert text.count("    %improve") + text.count("= %improve") == 3 and "--term" in text and "--passes" in text
    error = nb("%improve net loss_fn optimizer train_loader --val val_loader --term varaince").error
    assert "did you mean variance?" in str(error) and type(error).__name__ == "UsageError"


def test_the_door(nb):
    nb("import dldebug")
    report = nb(
        "dldebug.improve(net, loss_fn, optimizer, train_loader, val=val_loader, term='largest', passes=1, seeds=2, budget=5.0)"
    ).value
    assert report.untouched and report.experiment.term is not None
