"""`%overfit_batch` on the program with one thing otherwise: the same as if the user had changed it, and seen by every check."""

from __future__ import annotations

import collections

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics import ask
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from tests.deep_state import differences, state_of

torch.manual_seed(0)
DATA = TensorDataset(torch.randn(60, 6), torch.randint(0, 3, (60,)))


def subject(lr=1e-3, dropout=0.2, decay=0.1, data=None) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, 3))
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=decay)
    return Subject(net, nn.CrossEntropyLoss(), optimizer, DataLoader(DATA, batch_size=16) if data is None else data)


def report(of: Subject, **options):
    options = {"steps": 30, "causes": ("lr_too_low",), **options}
    return collections.deque(ask.ask("overfit_batch", of, **options), maxlen=1)[0]


SAME = {
    "another rate": ({"lr_factor": 20.0}, {"lr": 2e-2}),
    "no regularisation": ({"regularisation": False}, {"dropout": 0.0, "decay": 0.0}),
    "another batch": ({"batch": 2}, {"data": DATA[32:48]}),
}


@pytest.mark.parametrize(("options", "changes"), SAME.values(), ids=SAME.keys())
def test_an_option_does_what_the_user_would_have_done(options, changes):
    mine = subject()
    before = state_of(mine)
    varied, changed, plain = report(mine, **options), report(subject(**changes)), report(subject())
    assert varied.experiment.losses == pytest.approx(changed.experiment.losses, rel=1e-6) and varied.untouched
    assert varied.experiment.losses != plain.experiment.losses
    assert "otherwise than in your program" in repr(varied) and "otherwise than in your program" not in repr(plain)
    assert not differences(before, state_of(mine))


def test_the_checks_and_their_fixes_are_about_the_program_with_the_change():
    (low,) = report(subject(lr=3e-3, dropout=0.0, decay=0.0), lr_factor=0.01, steps=100).findings
    assert low.name == "lr_too_low" and low.evidence.facts[0].seen == "3e-05" and "lr=0.003" in low.fix.code and low.cured.passed


MISTAKES = {
    "has no batch 9: it ends before": ({"batch": 9}, {}),
    "itself one batch": ({"batch": 1}, {"data": DATA[:8]}),
    "count from 0": ({"batch": -1}, {}),
    "expected a factor above 0": ({"lr_factor": 0.0}, {}),
}


@pytest.mark.parametrize(("said", "given"), MISTAKES.items())
def test_what_can_not_be_done_is_said_in_one_line(said, given):
    options, changes = given
    with pytest.raises(UserMistake, match=said) as raised:
        report(subject(**changes), **options)
    assert "\n" not in str(raised.value)


def test_later_samples_of_a_dataset_are_others():
    assert report(subject(data=DATA), batch=1).experiment.losses != report(subject(data=DATA)).experiment.losses
