"""`%distribution_shift` as a user types it, in a real shell with the real engine."""

from __future__ import annotations

import pytest

SET_UP = """
import torch
from torch import nn
from dldebug_magics.checks.small_shifts import model, rows
net, criterion = model(), nn.CrossEntropyLoss()
train_dl, held_out, near_test = rows(200, 1, moved=-0.7), rows(300, 2, moved=-0.7), rows(300, 3, moved=1.0)
"""


@pytest.fixture
def nb(run):
    assert run(SET_UP).error is None
    return run


def test_two_splits_by_name(nb):
    report = nb("%distribution_shift net criterion --train-val held_out --test-val near_test").value
    assert (report.experiment.source.role, report.experiment.target.role) == ("train_val", "test_val")
    assert [f.name for f in report.alarms] == ["covariate_shift"] and report.untouched
    assert "covariate_shift. The inputs of the target are others" in report.sentence() and "column 1" in repr(report)


def test_roles_may_be_picked_and_mistakes_are_one_line(nb):
    splits = "--train train_dl --val held_out --test near_test"
    report = nb(f"%distribution_shift net criterion {splits} --source train --against val --samples 100 --quiet").value
    assert (report.experiment.source.role, report.experiment.target.samples) == ("train", 100) and report.ok
    assert "no split `tets`; expected one of those" in str(nb(f"%distribution_shift net {splits} --against tets").error)
    assert "only split" in str(nb("%distribution_shift net --test near_test").error)


def test_the_help_has_three_examples_and_the_options(nb):
    text = nb("%distribution_shift --help").out
    assert text.count("    %distribution_shift") + text.count("= %distribution_shift") == 3
    assert all(option in text for option in ("--against", "--source", "--samples", "--groups", "--columns"))


def test_the_door():
    import dldebug
    from dldebug_magics.checks.small_shifts import model, rows

    report = dldebug.distribution_shift(model(), val=rows(100, 1), test=rows(100, 2), samples=80)
    assert report.ok and report.experiment.p > 0.05
