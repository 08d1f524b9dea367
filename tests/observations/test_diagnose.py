"""The ladder: climbed in order and within one budget, left where something is wrong, and as easily stopped as a single rung."""

from __future__ import annotations

import dataclasses
import inspect

import pytest
import torch
from torch import nn

import dldebug
from dldebug_magics.ask import ask, experiment_of
from dldebug_magics.checks import files
from dldebug_magics.checks.small_data import classes
from dldebug_magics.engine.check import check
from dldebug_magics.engine.evidence import Confidence, Evidence, Finding, Severity
from dldebug_magics.engine.interrupts import relayed
from dldebug_magics.engine.memory import limited
from dldebug_magics.engine.report import Report, RuledOut
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.diagnose import Diagnose
from tests.deep_state import differences, state_of


def finding(name: str, severity: Severity = Severity.ERROR, hyperparameter: bool = False) -> Finding:
    def cause():
        """A cause."""

    cause.__name__ = name
    return Finding(check(severity=severity, hyperparameter=hyperparameter)(cause), Evidence(Confidence.PROVEN), Confidence.PROVEN)


def rung(stage: str, *findings: Finding, seconds: float = 1.0, given: list | None = None, untouched: bool = True):
    def examination(left: float):
        if given is not None:
            given.append((stage, left))
        yield Report(progress="half-way")
        yield Report(None, findings, (RuledOut(f"{stage} suspect", "no"),), (f"{stage} line",), seconds, 10, untouched)

    return stage, examination


def climbed(*rungs, budget: float = 60.0, **options) -> Report:
    return [d.report() for d in Diagnose.measure(rungs, budget, **options)][-1]


def test_a_broken_rung_ends_the_climb_and_says_so():
    report = climbed(rung("overfit", finding("softmax")), rung("data", finding("leak")))
    assert [f.name for f in report.findings] == ["softmax"] and not report.ok
    assert report.not_examined == ("overfit line", "the stage data: first repair what overfit found, or go on with --all")
    assert [stage for stage, _ in report.experiment.rungs] == ["overfit"]


def test_a_wrong_rate_alone_does_not_end_the_climb():
    rate = finding("rate", hyperparameter=True)
    assert [f.name for f in climbed(rung("overfit", rate), rung("data", finding("outlier"))).findings] == ["rate", "outlier"]
    assert [f.name for f in climbed(rung("overfit", finding("sign"), rate), rung("data", finding("outlier"))).findings] == ["sign", "rate"]


def test_all_goes_on_and_adds_up():
    report = climbed(
        rung("overfit", finding("softmax"), finding("tip", Severity.NOTE)), rung("data", finding("leak"), seconds=2.5), all=True
    )
    assert [f.name for f in report.findings] == ["softmax", "leak", "tip"], "notes stand behind all that is wrong"
    assert report.seconds == 3.5 and report.steps == 20
    assert [r.name for r in report.ruled_out] == ["overfit suspect", "data suspect"]
    assert report.untouched is True


def test_notes_break_no_rung_and_what_was_touched_is_said():
    report = climbed(rung("overfit", finding("tip", Severity.NOTE)), rung("data", untouched=False))
    assert len(report.experiment.rungs) == 2 and report.ok
    assert report.untouched is False


def test_a_spent_budget_leaves_the_rest_unexamined():
    given: list = []
    report = climbed(rung("overfit", given=given), rung("data", given=given), budget=0.4)
    assert given == [] and len(report.not_examined) == 2 and all("time" in line for line in report.not_examined)
    climbed(rung("overfit", given=given), budget=5.0)
    assert given[0][0] == "overfit" and 4.5 < given[0][1] <= 5.0


def test_the_rungs_are_the_stages_that_have_checks():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    subject = Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())
    before = state_of(subject)
    report = list(ask("diagnose", subject))[-1]
    climbed = dict.fromkeys(
        stage for stage, _ in files() if stage not in ("loop", "memory", "evaluate", "shift")
    )  # watched; no limit; trained
    assert [stage for stage, _ in report.experiment.rungs] == list(climbed)
    assert report.ok and report.untouched and differences(before, state_of(subject)) == []
    assert all(experiment_of(stage) for stage, _ in report.experiment.rungs)
    assert "Overfit: It learns" in repr(report) and "The ladder" in report._repr_html_()


def test_whether_it_fits_is_asked_where_there_is_a_limit():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    small = Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes(), memory=limited(40_000))
    report = list(ask("diagnose", small))[-1]
    assert [stage for stage, _ in report.experiment.rungs] == ["run", "memory"] and not report.ok
    assert "memory" in [stage for stage, _ in list(ask("diagnose", dataclasses.replace(small, memory=limited(1e9))))[-1].experiment.rungs]


def test_it_is_a_function_with_the_same_answer():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), nn.Softmax(dim=1))
    report = dldebug.diagnose(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())
    assert [f.name for f in report.findings] == ["softmax_before_cross_entropy"]
    assert "all" in inspect.signature(dldebug.diagnose).parameters


@pytest.mark.parametrize("end", ["close", "throw"])
def test_a_stop_is_handed_down_to_the_rung(end):
    heard = []

    def examination(left):
        try:
            yield Report(progress="one")
            yield Report(progress="two")
        except (KeyboardInterrupt, GeneratorExit) as stop:
            heard.append(type(stop))
            if isinstance(stop, KeyboardInterrupt):
                yield Report(stopped="by you")
            raise

    reports = relayed(Diagnose.measure([("overfit", examination)], 60.0), Diagnose.report)
    next(reports)
    if end == "close":
        reports.close()
        assert heard == [GeneratorExit]
        return
    assert reports.throw(KeyboardInterrupt()).stopped == "by you"
    with pytest.raises(KeyboardInterrupt):
        next(reports)
    assert heard == [KeyboardInterrupt]


def test_a_report_of_rungs_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Diagnose().rungs = ()
