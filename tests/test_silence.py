"""Silence when all is well: healthy programs of every kind, at sound rates: no warning, no error, nothing changed."""

from __future__ import annotations

import pytest

from dldebug_magics.ask import ask
from tests.by_turns import swept
from tests.healthy import KINDS, OPTIMIZERS, WITH_ALL, in_turn, make

ALL = [(kind, name) for kind in KINDS for name in OPTIMIZERS if kind in WITH_ALL or name in ("Adam", in_turn(kind))]
PROGRAMS = [program if program[1] == in_turn(program[0]) else swept(program) for program in ALL]


@pytest.mark.parametrize(("kind", "optimizer"), PROGRAMS)
def test_nothing_is_said_about_a_healthy_program(kind, optimizer):
    report = list(ask("overfit_batch", make(kind, optimizer)))[-1]
    assert [f.name for f in report.alarms] == []
    assert report.ok, report.sentence()
    assert report.untouched, report.left_behind
