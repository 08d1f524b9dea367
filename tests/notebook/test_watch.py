"""`%%watch`: the cell runs as it would without, its lines are counted as the user counts them, and what it raises passes through."""

from __future__ import annotations

import pytest

SETUP = """
import torch
from torch import nn
torch.manual_seed(0)
x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
"""
LOOP = """
for step in range(12):
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
last = loss.item()
"""


@pytest.fixture
def watched(run):
    assert run(SETUP).error is None
    return run


def test_the_report_is_the_cells_value_and_names_the_line_as_the_user_counts_them(watched):
    cell = watched(f"%%watch net optimizer{LOOP}")
    assert [f.name for f in cell.value.findings] == ["missing_zero_grad"]
    assert cell.value.findings[0].where == f"cell {watched.shell.execution_count - 1}, line 4: loss.backward()"
    assert watched.shell.user_ns["last"] > 0 and cell.value.experiment.taken == 12
    assert cell.value.untouched and cell.value.experiment.optimizers[0].name == "optimizer"


def test_an_exception_passes_unchanged_with_the_partial_report_and_the_cells_own_traceback(watched):
    cell = watched("%%watch\n" + LOOP + "raise KeyError('mine')")
    assert type(cell.error) is KeyError and cell.error.args == ("mine",) and cell.error.__cause__ is None
    shown = " ".join((cell.out + cell.err).split())
    assert "The loop took 12 optimizer steps" in shown and "KeyError ended it" in shown
    assert "line 8" in shown and "dldebug_magics" not in shown and "run_cell_magic" not in shown
    assert not hasattr(cell.error, "_render_traceback_")


def test_a_press_of_the_stop_button_passes_too(watched):
    cell = watched("%%watch\n" + LOOP + "raise KeyboardInterrupt")
    assert type(cell.error) is KeyboardInterrupt and "Stopped: by you" in cell.out
    assert watched("1 + 1").value == 2


def test_a_value_at_the_end_is_printed_as_a_cell_prints_it(watched):
    cell = watched("%%watch\n" + LOOP + "6 * 7")
    assert "42" in cell.out and cell.value.findings


def test_options(watched):
    quiet = watched(f"%%watch --quiet{LOOP}")
    assert "optimizer steps" not in quiet.out and quiet.value.findings
    assert type(watched(f"%%watch --assert{LOOP}").error) is AssertionError
    assert "no option --steps" in watched(f"%%watch --steps 3{LOOP}").err


def test_a_mistake_in_the_cell_is_the_cells(watched):
    assert type(watched("%%watch\nfor x in").error) is SyntaxError


@pytest.mark.parametrize("waits", ["await later()", "async for _ in stream(): pass", "losses = [await later() for _ in range(2)]"])
def test_await_at_the_top_is_one_clear_line(watched, waits):
    cell = watched(f"%%watch\nfor _ in range(2):\n    {waits}")
    assert "Traceback" not in cell.out + cell.err
    assert (
        "`await` outside of a function can't be run below %%watch" in cell.out + cell.err and "with dldebug.watch()" in cell.out + cell.err
    )


def test_await_within_a_function_is_the_cells_own(watched):
    cell = watched(f"%%watch{LOOP}\nasync def later():\n    return await later()")
    assert cell.error is None and [f.name for f in cell.value.findings] == ["missing_zero_grad"]


def test_prove_runs_the_cell_again_on_copies_and_leaves_the_notebook_alone(watched):
    cell = """
printed = print("once")
optimizer.param_groups[0]["lr"] = 0.05
for step in range(30):
    loss = nn.functional.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1e-4)
    optimizer.step()
"""
    assert watched("%%watch --quiet\n" + cell.replace("1e-4", "1e4")).value.ok
    watched(SETUP)
    plain = watched(f"%%watch{cell}")
    weights, names = watched("[p.tolist() for p in net.parameters()]").value, set(watched.shell.user_ns)
    watched(SETUP)
    proven = watched(f"%%watch --prove --budget 200{cell}")
    first, before = proven.value.findings[0], plain.value.findings[0]
    assert (before.name, before.confidence.value, first.confidence.value) == ("grad_clip_too_small", "likely", "proven")
    assert proven.out.count("once") == 1 and "with the change" in proven.out and proven.value.untouched
    assert watched("[p.tolist() for p in net.parameters()]").value == weights
    assert {name for name in set(watched.shell.user_ns) - names if not name.startswith("_")} == set()
    assert "--prove wants" in watched(f"%%watch --prove=3{cell}").err or watched(f"%%watch --budget no{cell}").err
