"""The corrected cell: shown as a diff of what was typed, and put below, or told of in one line where it is not the watched cell's."""

from __future__ import annotations

import pytest

from dldebug_magics.engine.errors import UserMistake

SETUP = """
import torch, dldebug
from torch import nn
torch.manual_seed(0)
x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
"""
LOOP = """for step in range(12):  # <b>few</b>
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()   # äöü
    optimizer.step()
"""
CLEARED = LOOP.replace("    loss.backward()", "    optimizer.zero_grad()\n    loss.backward()")


@pytest.fixture
def watched(run):
    assert run(SETUP).error is None
    return run


@pytest.mark.parametrize("head", ["%%watch", "%%watch net optimizer", "%%watch net --quiet  "])
@pytest.mark.parametrize("before", ["", "%time 1 + 1\nnames = !echo a\n"])
def test_the_corrected_cell_comes_below_with_its_magic_as_typed(watched, head, before):
    report = watched(f"{head}\n{before}{LOOP}").value
    report.apply()
    assert watched.shell.rl_next_input == f"{head.rstrip()}\n{before}{CLEARED}"
    assert watched(watched.shell.rl_next_input).value.alarms == ()
    number = watched.shell.execution_count - 2
    assert report.diff.splitlines()[:2] == [f"--- cell {number}", f"+++ cell {number}, corrected"]
    assert [line for line in report.diff.splitlines()[2:] if line[0] in "+-"] == ["+    optimizer.zero_grad()"]


def test_the_report_ends_with_the_diff_in_text_and_in_html(watched):
    report = watched(f"%%watch{chr(10)}{LOOP}").value
    text, page = repr(report), report._repr_html_()
    assert "    +    optimizer.zero_grad()" in text and text.index("Corrected: cell") > text.index("WHAT".lower())
    assert f"`Out[{watched.shell.execution_count - 1}].apply()` puts the corrected cell below" in text.splitlines()[-1]
    assert "+    optimizer.zero_grad()</ins>" in page and "&lt;b&gt;few" in page and "<b>" not in page
    assert report.to_dict()["diff"] == report.diff


def test_a_block_that_is_watched_in_a_cell_has_the_same(watched):
    indented = "".join(f"    {line}\n" for line in LOOP.splitlines())
    assert watched(f"%time 2\nwith dldebug.watch() as report:\n{indented}").error is None
    watched("report.apply()")
    assert watched.shell.rl_next_input.startswith("%time 2\nwith dldebug.watch() as report:\n    for step")
    assert "        optimizer.zero_grad()\n" in watched.shell.rl_next_input


def test_a_change_in_another_cell_is_told_of_in_one_line(watched):
    watched("def train():\n" + "".join(f"    {line}\n" for line in LOOP.splitlines()))
    report = watched("%%watch\ntrain()").value
    number = watched.shell.execution_count - 2
    assert report.diff.startswith(f"--- cell {number}\n")
    with pytest.raises(UserMistake, match=f"the change lies in cell {number}.*write `optimizer.zero_grad\\(\\)`") as told:
        report.apply()
    assert "apply" not in repr(report)
    watched(f"report = Out[{number + 1}]")
    shown = watched("report.apply()")
    assert (shown.out + shown.err).strip() == f"UserMistake: {told.value}"


def test_a_sound_cell_has_nothing_to_correct(watched):
    report = watched(f"%%watch\n{CLEARED}").value
    assert report.diff == "" and report.corrections == () and "Corrected" not in repr(report)
    with pytest.raises(UserMistake, match="no finding"):
        report.apply()


def test_two_faults_are_corrected_together(watched):
    loop = "total = 0\n" + LOOP.replace("    optimizer.step()", "    optimizer.step()\n    total += loss")
    report = watched(f"%%watch\n{loop}").value
    assert {f.name for f in report.findings} == {"missing_zero_grad", "loss_history_leak"} == set(report.corrections[0].names)
    report.apply()
    assert watched(watched.shell.rl_next_input).value.alarms == ()


def test_a_cell_with_two_statements_on_the_line_is_left_alone(watched):
    report = watched("%%watch\nfor _ in range(12): loss = nn.functional.cross_entropy(net(x), y); loss.backward(); optimizer.step()").value
    assert [f.name for f in report.findings] == ["missing_zero_grad"] and report.diff == ""
