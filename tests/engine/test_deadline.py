"""No pass begins, and none turns back, that would not be over in time: with a clock made by hand."""

from __future__ import annotations

import dataclasses

import pytest
from torch import nn

from dldebug_magics.engine.deadline import TimeSpent, in_time, way_back_in_time
from dldebug_magics.engine.subject import Subject


def program(until):
    return Subject(nn.Linear(2, 1), deadline=until)


def test_a_pass_that_would_end_behind_the_deadline_is_not_begun(clock):
    subject, begun = program(10.0), 0
    with pytest.raises(TimeSpent):
        while True:
            in_time(subject)
            begun, clock.now = begun + 1, clock.now + 3.0
    assert begun == 3 and clock.now == 9.0  # a fourth would have ended at 12


def test_of_the_first_pass_nothing_is_known_but_when_it_begins(clock):
    in_time(program(0.5))
    clock.now = 1.0
    with pytest.raises(TimeSpent):
        in_time(program(0.5))


def test_one_pause_between_passes_is_no_long_pass(clock):
    subject = program(100.0)
    for second in (0.0, 1.0, 2.0, 92.0, 93.0):
        clock.now = second
        in_time(subject)
    clock.now = 98.5
    in_time(subject)  # five seconds apart once, ninety once: a pass of six would be late, one of one is not
    assert subject.pace.usual == 5.5


def test_the_way_back_takes_twice_as_long_as_the_way_there(clock):
    for seconds, late in ((3.0, False), (3.5, True)):
        clock.now = 0.0
        subject = program(10.0)
        in_time(subject)
        clock.now = seconds
        if late:
            with pytest.raises(TimeSpent):
                way_back_in_time(subject)
        else:
            way_back_in_time(subject)


def test_a_lent_copy_goes_on_at_the_same_pace(clock):
    subject = program(10.0)
    in_time(subject)
    clock.now = 6.0
    in_time(subject)
    with pytest.raises(TimeSpent):
        in_time(dataclasses.replace(subject, batch=None))
