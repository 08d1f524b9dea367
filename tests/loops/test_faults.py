"""Faulty loops: the right cause is named first, with the line at fault, and nothing is left behind."""

from __future__ import annotations

import contextlib
import inspect
import random

import numpy
import pytest
import torch

from dldebug_magics.ask import Watch
from dldebug_magics.engine.evidence import Severity
from tests.loops.corrected import is_cured
from tests.loops.faults import FAULTY


def lines_at_fault(program):
    """The numbers, in their file, of the lines that are marked, of this program and of what its file shares."""
    source, first = inspect.getsourcelines(program)
    return [first + n for n, line in enumerate(source) if line.rstrip().endswith("# fault")]


@pytest.mark.parametrize("name", FAULTY)
def test_the_cause_is_named_first_with_its_line(name):
    torch.manual_seed(7), random.seed(7), numpy.random.seed(7)
    train, watch = FAULTY[name](), Watch()
    with contextlib.suppress(RuntimeError), watch:
        train()
    assert watch.not_examined == () and watch.untouched, watch.left_behind
    first = next(iter(watch.findings), None)
    assert first is not None and first.name == name.partition("__")[0], watch.report.sentence()
    assert first.severity is not Severity.NOTE or first.check.severity is Severity.NOTE
    lines = lines_at_fault(FAULTY[name])
    assert lines and any(f"line {number}" in first.where for number in lines), (first.where, lines)
    assert repr(watch)
    assert is_cured(watch, first.name, FAULTY[name], lambda function: function()), watch.report.diff or first.fix.edits
