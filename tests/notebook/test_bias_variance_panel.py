"""The panel of `%bias_variance` in a shell: what a level or a check box moves is what a run with that level or those splits says."""

from __future__ import annotations

import time
import types

import pytest

from dldebug_magics import ask
from dldebug_magics.notebook.names import Names
from dldebug_magics.notebook.panels.bias_variance import build, judged_anew
from dldebug_magics.notebook.panels.panel import Panel, _parts
from dldebug_magics.notebook.panels.request import Request
from dldebug_magics.notebook.spoken import Spoken
from tests.notebook.test_bias_variance_magic import SET_UP

SPLITS = {"train": "train_dl", "train_val": "held_out", "test_val": "near_test", "test": "test_dl"}


def line(human: str = "0.02", without: tuple[str, ...] = ()) -> str:
    named = " ".join(f"--{role.replace('_', '-')} {name}" for role, name in SPLITS.items() if role not in without)
    return f"net criterion {named} --metric error{f' --human {human}' if human else ''}"


@pytest.fixture
def nb(run):
    assert run(SET_UP).error is None
    return run


@pytest.fixture
def opened(nb, monkeypatch):
    report = nb(f"%bias_variance {line()}").value
    panel, session = Panel("Panel"), nb.shell.magics_manager.registry["DLDebugMagics"].session
    build(panel, Request(Spoken("bias_variance", session), line(), Names(nb.shell.user_ns)), report)
    monkeypatch.setattr(nb.shell, "kernel", types.SimpleNamespace(), raising=False)  # a click arrives in the main thread
    yield panel, report
    panel.close()


def control(panel, label):
    return next(one for one in _parts(panel.root) if getattr(one, "description", None) == label)


def shown(panel):
    texts = (one.value for one in _parts(panel.body.children[0]) if type(one).__name__ == "HTML")
    return " ".join(texts)


def terms(report):
    """The terms as the report shows them: names, sizes and both ends of their intervals, and the verdict."""
    seen = report.experiment
    return [(t.name, t.value, t.interval.low, t.interval.high) for t in seen.terms], seen.dominant, report.sentence(), report.ok


MOVED = [("0.3", ()), ("", ()), ("0.02", ("train_val",)), ("0.01", ("train_val", "test_val"))]


def test_what_is_moved_says_what_a_run_would_say(nb, opened, monkeypatch):
    panel, report = opened
    assert f"FAIL: {report.sentence()}" in shown(panel) and "overfitting" in shown(panel)
    assert control(panel, "human level").value == 0.02 and control(panel, "human level known").value is True
    runs = [nb(f"%bias_variance {line(human, without)} --quiet").value for human, without in MOVED]
    monkeypatch.setattr(ask, "ask", None)  # nothing may run
    for (human, without), run in zip(MOVED, runs, strict=True):
        control(panel, "human level known").value = bool(human)
        control(panel, "human level").value = float(human or 0)
        for role in SPLITS:
            control(panel, f"use {role.replace('_', '-')}").value = role not in without
        assert f"{'OK' if run.ok else 'FAIL'}: {run.sentence()}" in shown(panel) and panel.status.value == ""
        moved = judged_anew(report, list(without), float(human) if human else None)
        assert terms(moved) == terms(run) and [f.name for f in moved.findings] == [f.name for f in run.findings]
    assert len({str(terms(run)) for run in runs}) == len(MOVED)


def test_a_turn_shows_soon_and_what_can_not_be_is_held_back(opened):
    panel, report = opened
    before, took = terms(report), []  # seconds of its own work: the machine may be busy
    for step in range(9):
        began = time.thread_time()
        control(panel, "human level").value = 0.005 * step
        took.append(time.thread_time() - began)
    print(f"median {1000 * sorted(took)[4]:.0f} ms")
    assert sorted(took)[4] < 0.3 and terms(report) == before
    control(panel, "human level").value = 7.0
    assert control(panel, "human level").value == 1.0
    for role in SPLITS:
        control(panel, f"use {role.replace('_', '-')}").value = False
    assert "No split is left" in shown(panel)
    control(panel, "use test").value = True
    assert "No split is left" not in shown(panel)


def test_run_measures_anew_and_freezing_leaves_html(opened):
    panel, _ = opened
    control(panel, "human").value = "0.3"
    control(panel, "Run").click()
    assert "rror on irreducible" not in panel.status.value and "rror on train" in panel.status.value
    assert control(panel, "human level").value == 0.3
    panel.freeze()
    static = panel.root.children[0].value
    assert "<button" not in static and "human level: 0.3" in static and "<img alt=" in static
