"""Healthy programs of every kind are evaluated without an alarm, and left as they were: those without a loss, with a step, with pixels."""

from __future__ import annotations

import pytest

from dldebug_magics.ask import ask
from tests.healthy import KINDS, make


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_alarming_in_a_healthy_program(kind):
    report = list(ask("bias_variance", make(kind, "Adam")))[-1]
    assert [f.name for f in report.alarms] == [] and report.ok
    assert report.untouched, report.left_behind
    assert report.experiment.levels[0].samples and not report.not_examined
