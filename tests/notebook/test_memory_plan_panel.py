"""The panel of `%memory_plan` in a shell: what it says of a batch size is what a plan of that size says."""

from __future__ import annotations

import types

import pytest

from dldebug_magics import ask
from dldebug_magics.engine.memory import in_words
from dldebug_magics.notebook.names import Names
from dldebug_magics.notebook.panels.memory_plan import build
from dldebug_magics.notebook.panels.panel import Panel, _parts
from dldebug_magics.notebook.panels.request import Request
from dldebug_magics.notebook.spoken import Spoken
from tests.notebook.test_memory_plan import SET_UP

LINE = "net criterion batch --optimizer adam --limit 1MB"
MIXED = "mixed precision (bfloat16)"


@pytest.fixture
def nb(run):
    assert run(SET_UP).error is None
    return run


@pytest.fixture
def opened(nb, monkeypatch):
    report = nb(f"%memory_plan {LINE}").value
    panel, session = Panel("Panel"), nb.shell.magics_manager.registry["DLDebugMagics"].session
    build(panel, Request(Spoken("memory_plan", session), LINE, Names(nb.shell.user_ns)), report)
    monkeypatch.setattr(nb.shell, "kernel", types.SimpleNamespace(), raising=False)  # a click arrives in the main thread
    yield panel, report
    panel.close()


def control(panel, label):
    return next(one for one in _parts(panel.root) if getattr(one, "description", None) == label)


def shown(panel):
    return " ".join(one.value for one in _parts(panel.body.children[0]) if type(one).__name__ == "HTML")


def plan_of(nb, samples):
    return nb(f"%memory_plan {LINE} --samples {samples}").value.experiment


def planned(panel, samples):
    control(panel, "batch size").value = samples
    control(panel, "Plan this batch size").click()


def test_the_panel_begins_with_the_plan_and_guesses_no_other_size(opened):
    panel, report = opened
    plan = report.experiment
    assert control(panel, "batch size").value == 64 and in_words(plan.training.peak.total) in shown(panel)
    bar = f'{plan.training.peak.total / plan.limit:.0%} <span aria-hidden="true">█'
    assert bar in shown(panel) and "OK: fits" in shown(panel)
    control(panel, "batch size").value = 100
    assert "not planned at this size" in shown(panel) and "press Plan this batch size" in shown(panel)


def test_two_plans_give_the_sizes_between_and_beside(nb, opened, monkeypatch):
    panel, report = opened
    between, beside = plan_of(nb, 100), plan_of(nb, 200)
    planned(panel, 128)
    assert "fits into 1.00 MB" in panel.status.value, panel.status.value
    monkeypatch.setattr(ask, "ask", None)  # nothing may run
    for plan, word in ((between, "at most"), (beside, "at least")):
        control(panel, "batch size").value = plan.samples
        assert f"training needs the most, {in_words(plan.training.peak.total)}" in shown(panel) and word in shown(panel)
    assert f"is {report.experiment.largest}" in shown(panel) or f"is {report.experiment.largest + 1}" in shown(panel)
    control(panel, "remedy").value = MIXED
    wanted = next(remedy.after for remedy in beside.remedies if remedy.name == MIXED)
    assert in_words(wanted) in shown(panel)
    halves = next(option for option in control(panel, "remedy").options if "half as many samples" in option)
    control(panel, "remedy").value = halves
    wanted = next(remedy.after for remedy in beside.remedies if "at a time" in remedy.name)
    assert in_words(wanted) in shown(panel)


def test_a_limit_is_typed_and_what_is_no_amount_is_said(opened):
    panel, _ = opened
    control(panel, "memory there is").value = "100kB"
    assert "FAIL: does not fit" in shown(panel) and "of 100 kB" in shown(panel)
    control(panel, "memory there is").value = "<plenty>"
    assert "FAIL: `&lt;plenty&gt;` is no amount of memory" in panel.status.value
    control(panel, "memory there is").value = ""
    assert "OK: fits" in shown(panel)


def test_plans_of_another_program_are_forgotten(nb, opened):
    panel, _ = opened
    nb("net = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 10))")
    planned(panel, 128)
    assert "planned at this size" in shown(panel) and "forgotten" in panel.status.value
    control(panel, "batch size").value = 64
    assert "not planned at this size" in shown(panel)


def test_run_begins_anew_and_freezing_leaves_html(opened):
    panel, _ = opened
    control(panel, "samples").value = 32
    control(panel, "Run").click()
    assert control(panel, "batch size").value == 32 and "planned at this size" in shown(panel)
    panel.freeze()
    static = panel.root.children[0].value
    assert "batch size: 32" in static and "<button" not in static and "█" in static
