"""What is remembered between two cells: the verdict of each experiment, those of a climb among them."""

from __future__ import annotations

from types import SimpleNamespace

from dldebug_magics.engine.report import Report
from dldebug_magics.notebook.session import Session
from dldebug_magics.observations.diagnose import Diagnose


def test_a_climb_counts_for_each_experiment_that_it_made():
    session = Session(SimpleNamespace())
    session.record("diagnose", Diagnose((("overfit", Report(stopped="by you")),)).report())
    assert {name: answer.ok for name, answer in session.asked.items()} == {"diagnose": False, "overfit_batch": False}
