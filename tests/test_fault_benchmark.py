"""The fault benchmark: its programs train, its injections change something, and its rules do what its README says."""

from __future__ import annotations

import doctest
import importlib
import math

import pytest
import torch

from benchmarks.faults import tables
from benchmarks.faults.answers import Alarm, Answer
from benchmarks.faults.choice import TWELVE, fits, limited
from benchmarks.faults.injections import FAULTS, Mutant
from benchmarks.faults.program import Program
from benchmarks.faults.programs import PROGRAMS, build
from benchmarks.faults.sources import digest
from benchmarks.faults.truth import known, worse

NAN = math.nan
TRUTHS = known()
FIRST = {name: next((m for m in TRUTHS if m.startswith(f"{name}/")), None) for name in FAULTS}


def trace(program: Program) -> list[float]:
    """What the data and two steps show; a crash shows itself."""
    torch.manual_seed(0)
    seen = [column.double().sum().item() for pair in program.data for column in pair]
    try:
        for _ in range(2):
            batch = next(iter(program.train))
            program.optimizer.zero_grad()
            loss = program.loss_fn(program.model(batch[0]), batch[-1])
            loss.backward()
            program.optimizer.step()
            seen.append(loss.item())
            if program.scheduler is not None:
                program.scheduler.step()
    except Exception as error:  # some faults crash: that, too, is a change
        seen.append(float(hash(type(error).__name__)))
    hooks = len(program.optimizer._optimizer_step_pre_hooks)
    return [*seen, float(sum(p.detach().double().sum() for p in program.model.parameters())), hooks]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_healthy_program_takes_a_step(name):
    first = trace(build(name))
    assert all(map(math.isfinite, first)) and first == trace(build(name))


@pytest.mark.parametrize("name", FAULTS)
def test_an_injection_applies_and_changes_something(name):
    assert FIRST[name] is not None, "no truth of this class: run with --truth"
    mutant = Mutant(*FIRST[name].split("/"))
    assert str(trace(mutant.made())) != str(trace(build(mutant.program)))


def test_there_are_enough_mutants_of_classes_programs_and_spellings_that_exist():
    split = [name.split("/") for name in TRUTHS]
    assert len(TRUTHS) >= 400
    assert all(fault in FAULTS and program in PROGRAMS and spelling in FAULTS[fault].spellings for fault, program, spelling in split)
    assert sum(truth["faulty"] for truth in TRUTHS.values()) >= 400
    assert sum(FAULTS[name.split("/")[0]].harmless and not truth["faulty"] for name, truth in TRUTHS.items()) >= 200
    assert set(TWELVE.values()) <= FAULTS.keys() and len(TWELVE) == 12


@pytest.mark.parametrize(
    ("twin", "mutant", "is_worse"),
    [
        ([0.9, 0.8, 0.85], [0.7, 0.79, 0.1], True),
        ([0.9, 0.8, 0.85], [0.7, 0.8, 0.1], False),
        ([0.9, 0.8, 0.85], [0.1, 0.1, 0.95], False),
        ([0.5, 0.5, 0.5], [NAN, NAN, NAN], True),
        ([0.5, 0.5, 0.5], [NAN, 0.6, NAN], False),
        ([0.5, NAN, 0.5], [NAN, NAN, NAN], False),
        ([-1.0, -2.0, -1.5], [-2.1, -9.0, -math.inf], True),
    ],
)
def test_worse_means_that_results_do_not_overlap(twin, mutant, is_worse):
    assert worse(twin, mutant) is is_worse


def alarm(right: bool, confidence: str = "proven", own: bool = False) -> Alarm:
    return Alarm("some_check", confidence, own, right)


@pytest.mark.parametrize(
    ("alarms", "verdict"),
    [
        ((), "silent"),
        ((True,), "first"),
        ((True, False), "first"),
        ((False, True), "named"),
        ((False,), "wrong"),
        ((False, False), "wrong"),
    ],
)
def test_the_verdict_on_a_faulty_mutant(alarms, verdict):
    assert Answer("a/b/c", True, tuple(map(alarm, alarms)), 1.0).verdict == verdict


ANSWERS = [
    Answer("a/x/s", True, (alarm(True, own=True),), 1.0),
    Answer("a/y/s", True, (alarm(False), alarm(True, "likely")), 3.0),
    Answer("a/z/s", False, (alarm(True, own=True),), 9.0),
    Answer("b/x/s", True, (), 5.0),
    Answer("b/y/s", False, (), 9.0),
    Answer("another_rate/x/half", False, (), 1.0),
    Answer("another_rate/y/half", True, (alarm(False),), 1.0),
    Answer("healthy/x", False, (alarm(False),), 1.0),
    Answer("healthy/y", False, (), 1.0),
]


def test_the_tables_count_by_class_and_leave_what_is_not_faulty_to_the_alarms():
    assert tables.per_class(ANSWERS)[1:] == [
        ["a", "3", "2", "1", "1", "0", "0", "1", "2.0"],
        ["b", "2", "1", "0", "0", "0", "1", "0", "5.0"],
        ["**all**", "5", "3", "1", "1", "0", "1", "1", "3.0"],
    ]
    assert tables.alarms(ANSWERS)[1:] == [
        ["healthy", "2", "1", "0"],
        ["harmless changes", "1", "0", "0"],
        ["equivalent mutants", "2", "1", "1"],
        ["**all**", "5", "2", "1"],
    ]
    assert tables.calibration(ANSWERS)[1:] == [["proven", "2", "1", "50%"], ["likely", "1", "1", "100%"], ["hint", "0", "0", "-"]]


def test_a_limit_takes_from_every_class_in_turn():
    names = ["a/1/s", "a/2/s", "a/3/s", "b/1/s", "c/1/s", "c/2/s"]
    assert limited(names, 4) == ["a/1/s", "b/1/s", "c/1/s", "a/2/s"]
    assert limited(["a/1/s", "b/1/s", "b/2/s", "b/3/s", "b/4/s"], 2) == ["a/1/s", "b/4/s"]
    assert sorted(limited(names, None)) == names
    assert [name for name in names if fits(name, ["a"], ["2", "3"])] == ["a/2/s", "a/3/s"]


def test_a_truth_depends_on_program_and_injection():
    one, other = FAULTS["lr_too_low"].inject, FAULTS["detached_graph"].inject
    in_wine = digest(PROGRAMS["wine"], one)
    assert in_wine == digest(PROGRAMS["digits"], one), "the file of a family is one source"
    assert in_wine != digest(PROGRAMS["conv"], one) and in_wine != digest(PROGRAMS["wine"], other)


@pytest.mark.parametrize("module", "answers choice injections kind programs scores sources tables truth".split())
def test_the_examples_in_the_docstrings(module):
    tried = doctest.testmod(importlib.import_module(f"benchmarks.faults.{module}"))
    assert tried.attempted and not tried.failed
