"""The rule of a proof by running again: chance does not pass it, a clear lead does."""

from __future__ import annotations

import math
import random

import pytest

from dldebug_magics.engine.again import REPEATS, Pair, is_better, may_be_better


def pair(as_is, corrected, start=1.0):
    return Pair((start,) * 6 + (as_is,) * 3, (start,) * 6 + (corrected,) * 3)


def test_a_lead_in_every_repeat_by_more_than_the_repeats_differ():
    clear = [pair(0.8 + i / 100, 0.2 + i / 100) for i in range(REPEATS)]
    assert is_better(clear, clear)
    assert not is_better(clear[:-1], clear[:-1]), "too few repeats"
    assert not is_better([*clear[:-1], pair(0.2, 0.3)], clear), "one repeat the other way"
    assert not is_better(clear, [*clear[:-1], pair(0.2, 0.3)]), "worse by the measure of the program as it is"
    assert not is_better([pair(0.5 + i / 5, 0.3 + i / 5) for i in range(REPEATS)], clear), "no more than the repeats differ"


@pytest.mark.parametrize(
    ("as_is", "corrected", "found"), [(math.nan, 0.2, True), (0.9, math.inf, False), (3.0, 1.1, False), (0.6, 0.58, False)]
)
def test_a_course_that_ends_in_no_number_a_program_that_does_not_learn_and_a_hair(as_is, corrected, found):
    assert may_be_better(pair(as_is, corrected)) is found
    assert is_better([pair(as_is, corrected)] * REPEATS, [pair(as_is, corrected)] * REPEATS) is found


@pytest.mark.parametrize("spread", [0.05, 0.3, 1.0])
def test_chance_does_not_pass(spread):
    draw = random.Random(0).gauss
    tries = [[pair(draw(0, spread), draw(0, spread)) for _ in range(REPEATS)] for _ in range(5000)]
    assert sum(is_better(pairs, pairs) for pairs in tries) <= 1
