"""Silence when all is well: healthy programs of every kind, with every optimizer, at sound rates: no warning, no error, nothing changed."""

from __future__ import annotations

import pytest

from dldebug_magics.ask import ask
from tests.healthy import KINDS, OPTIMIZERS, make


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_said_about_a_healthy_program(kind, optimizer):
    report = list(ask("overfit_batch", make(kind, optimizer)))[-1]
    assert [f.name for f in report.alarms] == []
    assert report.ok, report.sentence()
    assert report.untouched, report.left_behind
