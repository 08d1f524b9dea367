"""The promises that every check keeps, generated from the checks themselves: heard on `bad`, proven, silent on every `good`."""

from __future__ import annotations

import inspect

import pytest

from dldebug_magics.ask import ask, experiment_of
from dldebug_magics.checks import all_checks, files
from dldebug_magics.engine.evidence import Confidence, Severity
from dldebug_magics.reference import page, sections
from tests.by_turns import by_turns

CHECKS = all_checks()
BAD = [pytest.param(check, example, id=f"{check.name}-{example.__name__}") for check in CHECKS for example in check.bad_examples]
GOOD = [pytest.param(check, example, id=f"{check.name}-{example.__name__}") for check in CHECKS for example in check.good_examples]


def diagnosed(check, example):
    return list(ask(experiment_of(check.stage), example()))[-1]


@pytest.mark.parametrize(("check", "example"), BAD)
def test_is_heard_first_and_proven_on_its_bad_example(check, example):
    """A fault is heard before all else, and an error is proven; a note is said, and leaves the verdict alone."""
    report = diagnosed(check, example)
    if check.severity is Severity.NOTE:
        assert check.name in [f.name for f in report.findings] and not report.alarms
    else:
        assert [f.name for f in report.findings][:1] == [check.name]
        assert report.findings[0].confidence is Confidence.PROVEN or check.severity is not Severity.ERROR
    assert report.ok is (check.severity is Severity.NOTE)
    assert report.untouched, report.left_behind


@pytest.mark.parametrize(("check", "example"), GOOD)
def test_every_check_is_silent_on_every_good_example(check, example):
    """The silence matrix: all checks are asked about each good program."""
    report = diagnosed(check, example)
    assert [f.name for f in report.alarms] == []
    assert check.name not in [f.name for f in report.findings]
    assert report.ok
    assert report.untouched, report.left_behind


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.stage}-{check.name}")
def test_has_a_page_examples_and_a_cure_or_says_why_not(check):
    assert check.bad_examples and check.good_examples
    told = dict(row for part in check.page.split("\n\n") for row in sections(part))
    assert {"Shows as", "Proven by", "Not this when", "Fails", "See"} <= set(told)
    assert check.title.endswith(".")
    assert page(check.name)


@pytest.mark.parametrize("check", by_turns(CHECKS, of=12), ids=lambda check: f"{check.stage}-{check.name}")
def test_says_the_same_twice(check):
    first, second = diagnosed(check, check.bad_examples[0]), diagnosed(check, check.bad_examples[0])
    assert repr(first.experiment.losses) == repr(second.experiment.losses)
    assert first.sentence() == second.sentence()


def test_the_folder_lists_itself():
    assert len(set(files())) == len(CHECKS) >= 20  # one cause may be heard at two stages; its page is one
    assert all(inspect.getsourcefile(check.function).endswith(f"/{check.stage}/{check.name}.py") for check in CHECKS)
