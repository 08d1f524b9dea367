"""Faulty loops: the cause is named first, is proven where it can be, the line is the user's, and the corrected loop is sound."""

from __future__ import annotations

import pytest
import torch

from dldebug_magics.ask import Watch
from dldebug_magics.engine.evidence import Confidence
from tests.loops.corrected import is_cured
from tests.loops.faulty import LOOPS, faulty_lines


@pytest.mark.parametrize(("cause", "loop"), LOOPS, ids=lambda value: value if isinstance(value, str) else value.__name__)
def test_is_named_first_with_its_line(cause, loop):
    torch.manual_seed(3)
    with Watch() as watch:
        loop()
    assert [f.name for f in watch.findings][:1] == [cause]
    first, lines = watch.findings[0], faulty_lines(loop)
    assert first.confidence in (Confidence.PROVEN, Confidence.LIKELY)
    assert not lines or any(f"{cause}.py, line {line}" in first.where for line in lines), (lines, first.where)
    assert watch.not_examined == () and watch.experiment.blind == "" and watch.untouched
    assert is_cured(watch, cause, loop), watch.report.diff or first.fix.edits
