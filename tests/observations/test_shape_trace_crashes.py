"""The programs that do not run, seen by `shape_trace`: the exception unchanged, the right cause first, a change that makes a copy run.

Their twins run and raise no alarm.
"""

from __future__ import annotations

import pytest

from dldebug_magics.ask import ask
from dldebug_magics.engine.evidence import Severity
from tests.crashing import CRASHES, Crash

SEEN = [program for program in CRASHES if program.phase != "build" and program.batch == "first" and not program.loop]
ASKED = [program for program in CRASHES if program.phase != "build"]
LOCATED = ("doubles_read_as_floats",)  # the layer that reads them would have to change, too
TWINS = [program for program in CRASHES if program.batch == "first"]


def is_the_users_own(report, program: Crash):
    failure = report.experiment.failure
    if program.kind is None:
        assert failure is None
    else:
        assert (failure.phase, failure.kind) == (program.phase, program.kind.__name__)
        assert program.message in failure.message
        assert failure.message in failure.traceback
    assert report.untouched, report.left_behind


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("program", ASKED, ids=lambda program: program.name)
def test_the_exception_is_the_users_own_the_cause_is_named_first_and_the_first_change_makes_a_copy_run(program: Crash):
    report = list(ask("shape_trace", program.make(True)))[-1]
    if program in SEEN:
        is_the_users_own(report, program)
    assert [finding.name for finding in report.findings][:1] and report.findings[0].name in (program.cause, *program.accept)
    assert not {change.name for change in report.tried if change.runs} & {cleared.name for cleared in report.ruled_out}
    if program.name not in LOCATED and report.findings[0].severity is not Severity.NOTE:
        assert report.findings[0].cured.passed
        first = next(change for change in report.tried if change.name == report.findings[0].name)
        assert first.runs and (program.kind is None or program.batch == "last" or first is report.tried[0])


@pytest.mark.parametrize("program", TWINS, ids=lambda program: program.name)
def test_no_alarm_about_its_twin(program: Crash):
    report = list(ask("shape_trace", program.make(False)))[-1]
    assert report.experiment.failure is None
    assert [finding.name for finding in report.alarms] == []
    assert report.untouched, report.left_behind
