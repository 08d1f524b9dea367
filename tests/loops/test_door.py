"""`dldebug.watch`: around a block, or of a function."""

from __future__ import annotations

import pytest

import dldebug
from tests.loops.faulty import missing_zero_grad
from tests.loops.healthy import LOOPS


def test_around_a_block():
    with dldebug.watch() as report:
        missing_zero_grad.in_a_plain_loop()
    assert [f.name for f in report.findings] == ["missing_zero_grad"] and not report.ok
    assert "missing_zero_grad" in repr(report) and report._repr_html_().startswith("<section")
    assert report.to_dict()["findings"][0]["where"].startswith("missing_zero_grad.py, line ")


def test_of_a_function():
    report = dldebug.watch(LOOPS["cleared_first"]().train)
    assert report.ok and report.findings == () and report.experiment.taken == 40
    assert report.sentence().startswith("The loop took 40 optimizer steps, the loss went from ")
    assert report.sentence().endswith("nothing wrong was seen in the loop.")


def test_a_function_that_raises_raises():
    with pytest.raises(ZeroDivisionError):
        dldebug.watch(lambda: 1 / 0)


def test_twice_the_same():
    first, second = (dldebug.watch(missing_zero_grad.in_a_method) for _ in range(2))
    assert repr(first.experiment.losses) == repr(second.experiment.losses) and first.sentence() == second.sentence()
