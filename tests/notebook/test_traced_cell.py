"""`%%shape_trace model` above a cell: what the cell does is its own, and what it called the model with is traced on a copy."""

from __future__ import annotations

import re

import pytest
import torch

from dldebug_magics.engine.report import Report
from dldebug_magics.notebook import traced_cell

SET_UP = """
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
wrong = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(7, 3))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(6, 4), torch.zeros(6, dtype=torch.long)
criterion = nn.CrossEntropyLoss()
"""
TRAINS = """
for i in range(5):
    size = 6 if i < 4 else 2
    opt.zero_grad()
    loss = criterion(net(x[:size]), y[:size])
    loss.backward()
    opt.step()
"""


@pytest.fixture
def nb(run):
    assert run(SET_UP).error is None
    return run


def plain(text: str) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


def test_the_calls_of_a_cell_are_traced(nb):
    report = nb(f"%%shape_trace net --quiet\n{TRAINS}").value
    assert isinstance(report, Report) and report.ok and report.untouched
    assert report.said[0] == "The cell called `net` 5 times." and report.said[1].startswith("With 2 x 4: It runs, output 2 x 3")
    assert [(row.kind, row.outputs[0].shape) for row in report.experiment.rows] == [
        ("Sequential", (6, 3)),
        ("Linear", (6, 8)),
        ("ReLU", (6, 8)),
        ("Linear", (6, 3)),
    ]


def test_the_cell_does_what_it_does_alone(nb):
    nb(f"torch.manual_seed(1)\n{TRAINS}")
    alone = [p.clone() for p in nb.shell.user_ns["net"].parameters()]
    nb(SET_UP)
    nb(f"%%shape_trace net --quiet\ntorch.manual_seed(1)\n{TRAINS}")
    net = nb.shell.user_ns["net"]
    assert all(torch.equal(*pair) for pair in zip(alone, net.parameters(), strict=True))
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in net.modules())
    assert nb.shell.user_ns["i"] == 4


def test_a_value_at_the_end_is_shown_and_names_land_in_the_notebook(nb):
    cell = nb("%%shape_trace net\nshape = net(x).shape\nshape[0] * 7")
    assert "42" in cell.out and nb.shell.user_ns["shape"] == (6, 3) and "6 x 8" in cell.out
    assert "42" not in nb("%%shape_trace net\nshape[0] * 7;").out


def test_a_cell_that_does_not_call_it_says_so(nb):
    assert nb("%%shape_trace net --quiet\n1 + 1").value.said == ("The cell did not call `net`.",)


def test_the_failing_call_is_explained_and_the_exception_passes(nb):
    alone = nb("\nwrong(x)\n")
    cell = nb("%%shape_trace wrong\nwrong(x)\n")
    assert (type(cell.error), str(cell.error)) == (type(alone.error), str(alone.error)) and not hasattr(cell.error, "_render_traceback_")
    assert "With in_features=8, it runs" in plain(cell.out)
    shown = plain(cell.out).partition("bit-identical to before.")[2]
    number = re.compile(r"(In ?\[|input-|cell )\d+|-[0-9a-f]{12}|line \d+|-+> \d+ ")
    assert shown.count("wrong(x)") == plain(alone.out).count("wrong(x)") and "traced_cell" not in shown and "run_cell_magic" not in shown
    assert number.sub("#", shown.strip())[-300:] == number.sub("#", plain(alone.out))[-300:]
    assert not nb.shell.user_ns["wrong"]._forward_pre_hooks


def test_lines_count_from_the_line_of_the_magic(nb):
    nb("%%shape_trace wrong --quiet\n\nout = 1\nwrong(x)\n")
    report = nb("%explain_error --quiet").value
    number = nb.shell.execution_count - 2
    assert f"at cell {number}, line 4" in report.said[0] and report.findings


def test_an_exception_of_the_cells_own_passes_after_what_was_called(nb):
    cell = nb("%%shape_trace net\nnet(x)\nundefined")
    assert type(cell.error) is NameError and "The cell called `net` once." in cell.out and "undefined" in cell.out
    assert "traced_cell" not in cell.out


@pytest.mark.parametrize("ending", ["raise KeyboardInterrupt", "raise SystemExit"])
def test_a_stop_passes_at_once(nb, ending):
    cell = nb(f"%%shape_trace net\nnet(x)\n{ending}")
    assert type(cell.error).__name__ in ending and "The cell called" not in cell.out
    assert not nb.shell.user_ns["net"]._forward_pre_hooks


def test_a_defect_of_ours_does_not_hide_it(nb, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(traced_cell, "_traced", broken)
    cell = nb("%%shape_trace net\nnet(x)\nundefined")
    assert type(cell.error) is NameError and "no explanation (ZeroDivisionError: ours)" in cell.err


def test_it_is_not_explained_twice(nb):
    nb("%config DLDebugMagics.explain_errors = True")
    assert nb("%%shape_trace wrong\nwrong(x)").out.count("ERROR, proven") == 1


@pytest.mark.parametrize("line", ["", "net wrong", "x", "nett", "net --steps 3"])
def test_a_mistake_is_one_line_and_the_cell_does_not_run(nb, line):
    cell = nb(f"%%shape_trace {line}\nran = 1")
    assert cell.err.startswith("UsageError: ") and cell.err.count("\n") == 1 and "ran" not in nb.shell.user_ns


def test_help(nb):
    assert "%%shape_trace net --budget 20" in nb("%%shape_trace --help\n1").out
    nb("%unload_ext dldebug")
    assert "shape_trace" not in nb.shell.magics_manager.magics["cell"]


def test_a_compiled_model_is_watched_from_outside(nb):
    nb("fast = torch.compile(net, backend='eager')")
    report = nb("%%shape_trace fast --quiet\nfast(x)").value
    assert report.said[0] == "The cell called `fast` once." and len(report.experiment.rows) == 4
    nb("net.compile(backend='eager')")
    assert nb("%%shape_trace net\nnet(x)").err.startswith("UsageError: `net` was compiled in place")
