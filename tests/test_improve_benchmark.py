"""The benchmark of `%improve`: what counts as best and where it stands, on numbers made by hand; a problem holds together."""

from __future__ import annotations

import json

import pytest

from benchmarks.improve import truth
from benchmarks.improve.answers import Answer, Told
from benchmarks.improve.problems import PROBLEMS
from benchmarks.improve.scores import lines, score

NAN = float("nan")
BY_CHANGE = {
    "": [0.20, 0.21, 0.19, 0.20],
    "wider: twice": [0.10, 0.11, 0.10, 0.09],
    "more_data": [0.10, 0.105, 0.095, 0.105],
    "tuned: x3": [0.15, 0.16, 0.14, 0.15],
    "tuned: x10": [0.30, 0.28, 0.31, 0.30],
    "broken: crashes": [NAN, 0.1, 0.1, 0.1],
}
RECORD = {name: {"sources": "", "errors": errors} for name, errors in BY_CHANGE.items()}


def told(name, value, half=0.02, recommended=True):
    return Told(name, value, value - half, value + half, recommended)


def answered(*ranked):
    return Answer("made", "bias", list(ranked), 100, 100.0, 1.0, True, "")


def test_effects_are_paired_by_seed_and_what_is_not_told_apart_is_best_as_well():
    assert [effect.name for effect in truth.effects(RECORD)] == ["wider: twice", "more_data", "tuned: x3", "tuned: x10"]
    wider = truth.effects(RECORD)[0]
    assert wider.value == pytest.approx(-0.10) and wider.half == pytest.approx(3.182 * 0.008165 / 2, abs=1e-4)  # t of 3 degrees by table
    assert {effect.name for effect in truth.best(RECORD)} == {"wider: twice", "more_data"}
    assert {effect.name for effect in truth.best(RECORD, {"wider: twice", "more_data"})} == {"tuned: x3"}


def test_the_place_is_that_of_the_remedy_and_beside_it_that_of_the_change():
    found = score(answered(told("tuned: x10", -0.2), told("tuned: x3", -0.05), told("more_data", -0.04)), RECORD)
    assert (found.place, found.place_of_change, found.good) == (2, 3, True)
    assert found.signs == (2, 3) and found.held == (1, 3)
    assert score(answered(told("tuned: x3", -0.05)), RECORD).place is None
    late = answered(told("tuned: x3", -0.05), told("wider: twice", -0.1, recommended=False), told("more_data", -0.1, recommended=False))
    assert score(late, RECORD).place == 1
    assert "first or second: 1 of 1; first: 0" in list(lines([found]))


def test_every_problem_has_its_truth_and_ten_are_known():
    known = json.loads(truth.FILE.read_text(encoding="utf-8"))
    assert known.keys() == PROBLEMS.keys() and len(known) == 10
    assert all(len(entry["errors"]) == len(truth.SEEDS) for record in known.values() for entry in record.values())


def test_what_is_learnt_twice_with_one_seed_is_the_same_and_the_pool_makes_it_more():
    problem = PROBLEMS["other_shares"]()
    assert problem.error(problem.trained(1)) == problem.error(problem.trained(1)) != problem.error(problem.trained(2))
    once, twice = problem.untrained(1), problem.untrained(1, twice=True)
    assert len(twice.train.dataset) == len(once.train.dataset) + len(problem.splits.pool[0])
