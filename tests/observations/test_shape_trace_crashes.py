"""The programs that do not run, seen by `shape_trace`: the exception unchanged, in the right phase; their twins run and raise no alarm."""

from __future__ import annotations

import pytest

from dldebug_magics.ask import ask
from tests.crashing import CRASHES, Crash

SEEN = [program for program in CRASHES if program.phase != "build" and program.batch == "first" and not program.loop]
TWINS = [program for program in CRASHES if program.batch == "first"]


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("program", SEEN, ids=lambda program: program.name)
def test_the_exception_is_the_users_own(program: Crash):
    report = list(ask("shape_trace", program.make(True)))[-1]
    failure = report.experiment.failure
    if program.kind is None:
        assert failure is None
    else:
        assert (failure.phase, failure.kind) == (program.phase, program.kind.__name__)
        assert program.message in failure.message
        assert failure.message in failure.traceback
    assert report.untouched, report.left_behind


@pytest.mark.parametrize("program", TWINS, ids=lambda program: program.name)
def test_no_alarm_about_its_twin(program: Crash):
    report = list(ask("shape_trace", program.make(False)))[-1]
    assert report.experiment.failure is None
    assert [finding.name for finding in report.alarms] == []
    assert report.untouched, report.left_behind
