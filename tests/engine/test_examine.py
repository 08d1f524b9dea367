"""The verb: each thing is measured once and by annotation; ours passes; a stop yields one report, the budget holds, a crash is said.

Experiment, observations and checks are made here, through the public decorator; each counts how often it is asked.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
import time
from collections import Counter

import pytest
import torch
from torch import nn

from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.check import check
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.evidence import Confidence, Evidence, Fix, Severity
from dldebug_magics.engine.examine import examine
from dldebug_magics.engine.observation import Observation
from dldebug_magics.engine.subject import Subject

ASKED: Counter = Counter()
ORDER: list[str] = []
HEARD: list = []
TIRING = 0.0


@pytest.fixture(autouse=True)
def _counting():
    ASKED.clear()
    ORDER.clear()
    HEARD.clear()


def noted(name: str) -> None:
    ASKED[name] += 1
    ORDER.append(name)


@dataclasses.dataclass(frozen=True)
class Trial(Observation):
    """An experiment: does the bias stand above 0? Its losses are three numbers."""

    losses: tuple[float, ...]
    crash: str | None = None
    seen_size: int = 0

    @classmethod
    def measure(cls, subject, *, steps: int = 3, size: int = 32):
        noted("Trial")
        high = 0.0 if float(subject.model.bias.detach().mean()) > 0 else 1.0
        for step in range(steps):
            time.sleep(TIRING)
            yield cls((high,) * (step + 1), seen_size=subject.batch[0].shape[0])

    @property
    def passed(self):
        return self.losses[-1] == 0.0

    decided = True
    first = property(lambda self: self.losses[0])
    final = property(lambda self: self.losses[-1])
    excess = property(lambda self: self.losses[-1])

    def told(self):
        return f"it ends at {self.losses[-1]}"

    def loses_to(self, uncured):
        return False


@dataclasses.dataclass(frozen=True)
class Crashing(Trial):
    @classmethod
    def measure(cls, subject):
        noted("Crashing")
        yield cls((math.nan,), crash="RuntimeError in the forward pass")


@dataclasses.dataclass(frozen=True)
class Card(Observation):
    number: float = 0.0

    @classmethod
    def measure(cls, subject):
        noted("Card")
        yield cls(float(subject.model.weight.detach().sum()))


@dataclasses.dataclass(frozen=True)
class OnCard(Observation):
    """Asks for another card and the experiment, in an order of its own."""

    doubled: float = 0.0

    @classmethod
    def measure(cls, subject, card: Card, trial: Trial):
        noted("OnCard")
        assert isinstance(card, Card) and isinstance(trial, Trial)
        yield cls(2 * card.number + len(trial.losses))


class Silent(Observation):
    measure = classmethod(lambda cls, subject: noted("Silent") or iter(()))


class OnSilent(Observation):
    @classmethod
    def measure(cls, subject, silent: Silent):
        noted("OnSilent")
        yield cls()


class Passing(Observation):
    """Runs the user's program."""

    measure = classmethod(lambda cls, subject: noted("Passing") or iter((loss_of(subject),)))


def reading(**kinds):
    """A check that reads these and is silent."""

    def silent_check(**seen):
        """Reads."""
        HEARD.append(seen)
        return iter(())

    silent_check.__signature__ = inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in kinds])
    silent_check.__annotations__ = kinds
    return check(severity=Severity.ERROR)(silent_check)


def lifted(subject):
    noted("cure")
    with torch.no_grad():
        subject.model.bias.fill_(1.0)
    return subject


@check(severity=Severity.ERROR)
def low_bias(trial: Trial):
    """The bias is low."""
    if not trial.passed:
        yield Evidence(Confidence.LIKELY, fix=Fix("Lift it.", "net.bias.fill_(1)", "the bias lifted"), cure=lifted)


def subject_of(bias: float = -1.0, samples: int = 64) -> Subject:
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    nn.init.constant_(net.bias, bias)
    batch = (torch.randn(samples, 3), torch.randn(samples, 2))
    return Subject(net, nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.1), batch)


def examined(*checks, experiment=Trial, subject=None, **options):
    return list(examine(subject or subject_of(), experiment, checks, **options))


def test_each_thing_is_measured_once_and_before_what_needs_it():
    report = examined(
        reading(trial=Trial, on=OnCard, card=Card), reading(card=Card), reading(card=Card), low_bias, subject=subject_of(bias=1.0)
    )[-1]
    assert ASKED == {"Trial": 1, "Card": 1, "OnCard": 1}
    assert ORDER[0] == "Trial" and ORDER.index("Card") < ORDER.index("OnCard")
    assert report.untouched and report.ok and report.experiment.losses == (0.0, 0.0, 0.0)


def test_what_an_observation_asks_for_is_measured_though_no_check_reads_it():
    subject = subject_of(bias=1.0)

    examined(reading(on=OnCard), subject=subject)
    assert HEARD[0]["on"].doubled == pytest.approx(2 * float(subject.model.weight.detach().sum()) + 3)
    assert ASKED["Card"] == 1


def test_what_could_not_be_seen_is_not_asked_about():
    """An observation that yields nothing, one that needs it, and the check that reads that one."""
    assert examined(reading(on=OnSilent), reading(it=Silent), reading(it=Silent, on=OnSilent), subject=subject_of(bias=1.0))[-1].ok
    assert ASKED == {"Trial": 1, "Silent": 1} and not HEARD


def test_options_reach_the_experiment_and_its_reruns_and_size_the_batch():
    reports = examined(low_bias, steps=5, size=7)
    assert reports[-1].experiment.losses == (1.0,) * 5 and reports[-1].experiment.seen_size == 7
    assert len(reports[-1].findings[0].cured.losses) == 5
    assert reports[-1].steps == 10


def test_a_cure_proves_its_check_on_a_copy():
    subject = subject_of()
    reports = examined(low_bias, subject=subject)
    found = reports[-1].findings
    assert [(f.name, f.confidence) for f in found] == [("low_bias", Confidence.PROVEN)]
    assert ASKED == {"Trial": 2, "cure": 1}
    assert float(subject.model.bias.detach().max()) == -1.0 and reports[-1].untouched
    assert [r.untouched for r in reports[:-1]] == [None] * (len(reports) - 1)


def test_no_cure_is_run_where_the_experiment_passed():
    assert not examined(low_bias, subject=subject_of(bias=1.0))[-1].findings
    assert ASKED["cure"] == 0


def test_an_exception_of_ours_passes_through_and_leaves_no_trace():
    subject = subject_of()
    before = {name: p.clone() for name, p in subject.model.named_parameters()}

    @check(severity=Severity.ERROR)
    def divides_by_zero(card: Card):
        """Raises."""
        yield Evidence(Confidence.HINT, always=bool(1 / 0))

    with pytest.raises(ZeroDivisionError):
        examined(divides_by_zero, subject=subject)
    assert all(torch.equal(p, before[name]) for name, p in subject.model.named_parameters())


def test_a_card_that_can_not_be_had_costs_its_checks_and_is_said():
    subject = dataclasses.replace(subject_of(bias=1.0), train=(torch.randn(8, 5), torch.randn(8, 2)))
    report = examined(reading(it=Passing), reading(card=Card), subject=subject)[-1]
    assert len(report.not_examined) == 1 and "Passing" in report.not_examined[0] and "mat1 and mat2" in report.not_examined[0]
    assert ASKED["Card"] == 1 and [list(seen) for seen in HEARD] == [["card"]] and report.untouched


def test_an_exception_in_the_experiment_or_a_mistake_of_the_users_passes_through(monkeypatch):
    def failing(subject, **options):
        raise error
        yield

    for error, (target, others) in itertools.product(
        (UserMistake("no"), LookupError("ours")), ((Trial, ()), (Card, (reading(card=Card),)))
    ):
        with monkeypatch.context() as patched:
            patched.setattr(target, "measure", failing)
            if target is Trial or isinstance(error, UserMistake):
                with pytest.raises(type(error)):
                    examined(*others)
            else:
                assert "ours" in examined(*others)[-1].not_examined[0]


def test_what_a_crash_kept_from_being_seen_is_said_once():
    subject = dataclasses.replace(subject_of(), train=(torch.randn(8, 5), torch.randn(8, 2)))
    report = examined(reading(it=Passing), reading(card=Card), experiment=Crashing, subject=subject)[-1]
    assert ASKED == {"Crashing": 1, "Passing": 1, "Card": 1}, "what runs nothing is seen all the same"
    assert len(report.not_examined) == 1 and "Passing" in report.not_examined[0] and "crashed" in report.not_examined[0]
    assert report.untouched


@pytest.mark.parametrize("where", ["experiment", "card", "cure"])
def test_a_stop_yields_one_report_of_what_there_is_and_goes_on(where, monkeypatch):
    def stopping(*given, **options):
        raise KeyboardInterrupt

    def begun(subject, **options):
        yield Trial((1.0,))
        raise KeyboardInterrupt

    target = {"experiment": (Trial, "measure", begun), "card": (Card, "measure", stopping)}.get(where)
    if target:
        monkeypatch.setattr(*target)

    @check(severity=Severity.ERROR)
    def stops_when_cured(trial: Trial):
        """Stops."""
        yield Evidence(Confidence.LIKELY, cure=stopping)

    seen, subject = [], subject_of()
    with pytest.raises(KeyboardInterrupt):
        for report in examine(subject, Trial, [reading(card=Card), stops_when_cured]):
            seen.append(report)
    assert [bool(r.stopped) for r in seen] == [False] * (len(seen) - 1) + [True]
    assert seen[-1].experiment.losses and seen[-1].untouched and not seen[-1].ok


def test_the_experiment_gets_half_of_the_budget_and_what_was_left_out_is_said(clock, monkeypatch):
    monkeypatch.setitem(Trial.measure.__func__.__globals__, "TIRING", 0.15)
    report = examined(steps=40, budget=0.4)[-1]
    assert clock.now == report.seconds == pytest.approx(0.3) and len(report.experiment.losses) == 2
    assert len(report.not_examined) == 1 and "Trial" in report.not_examined[0] and "time" in report.not_examined[0]


def test_a_cure_does_not_go_on_when_the_budget_is_spent(clock, monkeypatch):
    def tires(subject):
        monkeypatch.setitem(Trial.measure.__func__.__globals__, "TIRING", 0.3)
        return subject

    @check(severity=Severity.ERROR)
    def slow_to_cure(trial: Trial):
        """Slow."""
        yield Evidence(Confidence.HINT, cure=tires)

    report = examined(slow_to_cure, steps=10, budget=0.5)[-1]
    assert report.seconds < 1.5 and 11 <= report.steps <= 13
    assert any("slow_to_cure" in line and "to its end" in line for line in report.not_examined)


def test_a_spent_budget_begins_no_cure():
    report = examined(low_bias, budget=0.0)[-1]
    assert ASKED["cure"] == 0 and any("low_bias" in line for line in report.not_examined)
    assert [f.confidence for f in report.findings] == [Confidence.LIKELY], "evidence stands, unproven"
