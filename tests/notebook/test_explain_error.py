"""`%explain_error` and the explanation in front of a traceback, with the real engine; the exception stays as it is."""

from __future__ import annotations

import gc
import re
import sys
import weakref

import pytest
import torch

import dldebug
from dldebug_magics.engine.report import Report
from dldebug_magics.notebook import explanation

SET_UP = """
import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(features, 3))
    def forward(self, x):
        print('forward')
        return self.body(x)
net = Net(8)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(6, 4), torch.zeros(6, dtype=torch.long)
train_dl = torch.utils.data.DataLoader(list(zip(x, y)), batch_size=6)
criterion = nn.CrossEntropyLoss()
def show(r):
    return r.sentence() + ' | ' + ' '.join(r.said)
"""
FAILS = "wrong = Net(7)\nwrong(x)"
ON = "%config DLDebugMagics.explain_errors = True"


@pytest.fixture
def nb(run):
    """A notebook with a program that is sound."""
    for name in ("last_exc", "last_value", "last_type", "last_traceback"):
        vars(sys).pop(name, None)
    assert run(SET_UP).error is None
    return run


ODD = """
times = []
class Odd(nn.Module):
    def forward(self, x):
        times.append(1)
        return x @ x if len(times) == 1 else {}
Odd()(x)
"""
HANDLER = """
seen = []
def handler(shell, etype, value, tb, tb_offset=None):
    seen.append(str(value))
    shell.showtraceback((etype, value, tb))
get_ipython().set_custom_exc((RuntimeError,), handler)
"""


def plain(text: str) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


def test_without_an_exception_it_says_so_in_one_line(nb):
    for _ in range(2):
        cell = nb("%explain_error")
        assert cell.err.startswith("UsageError: no exception to explain; run the cell that fails") and cell.err.count("\n") == 1


@pytest.mark.parametrize("line", ["net", "--steps 3", "--budget"])
def test_what_it_does_not_take_is_one_line(nb, line):
    nb(FAILS)
    cell = nb(f"%explain_error {line}")
    assert cell.err.startswith("UsageError: ") and cell.err.count("\n") == 1


def test_a_forward_pass_is_explained_and_proven(nb):
    failed = nb(FAILS)
    report = nb("%explain_error --quiet").value
    assert isinstance(report, Report) and report.untouched and not report.ok
    assert [(f.name, f.confidence.value) for f in report.findings] == [("linear_in_features_mismatch", "proven")]
    assert "at cell 2, line 11." in report.said[0] and "in the same way" in report.said[0]
    assert "wrong.body[2] = nn.Linear(8, 3)" in report.code()
    assert report.experiment.failure.message == str(failed.error) and type(failed.error) is RuntimeError
    assert "wrong(x)" in report.experiment.failure.traceback and "run_code" not in report.experiment.failure.traceback


def test_it_is_the_last_exception_that_is_explained_also_later(nb):
    nb(FAILS)
    nb("1 + 1")
    assert nb("%explain_error --quiet").value.findings
    nb("undefined")
    report = nb("%explain_error --quiet").value
    assert report.sentence().startswith("NameError, at cell ") and "nothing to say" in report.sentence() and not report.findings


def test_a_loss_is_explained_by_its_own_call(nb):
    nb("out = net(x)\nloss = criterion(out, y + 3)")
    report = nb("%explain_error --quiet").value
    assert "IndexError in the loss, at cell" in report.said[0] and "line 2" in report.sentence()
    assert report.experiment.failure.phase == "loss" and report.untouched


def test_a_backward_pass_is_looked_for_in_the_program_of_the_notebook(nb):
    nb("unreduced = nn.CrossEntropyLoss(reduction='none')\ndel criterion")
    nb("unreduced(net(x), y).backward()")
    report = nb("%explain_error --quiet").value
    assert report.experiment.failure.phase == "backward" and "the whole program was run on a copy" in report.said[0]
    assert any("Taken from the notebook: model `net`" in line for line in report.said)


def test_a_program_that_is_not_there_is_not_run(nb):
    nb("other = Net(8)\nloss = net(x)\nloss.backward()")
    report = nb("%explain_error --quiet").value
    assert "nothing was run again" in report.sentence() and any("several things" in line for line in report.said)
    assert "backward pass of `loss`" in repr(report)


def test_a_call_that_does_not_fail_again_is_not_explained_by_guesses(nb):
    nb(ODD.format("x"))
    report = nb("%explain_error --quiet").value
    assert "it did not break" in report.sentence() and not report.findings and not report.ok
    assert "argument 1" in repr(report) and "6 x 4" in repr(report)


def test_a_call_that_fails_otherwise_is_not_explained_by_guesses(nb):
    nb(ODD.format("x(1)"))
    report = nb("%explain_error --quiet").value
    assert "it breaks otherwise (TypeError: " in report.sentence() and not report.findings


def test_data_loading_is_named_and_left_alone(nb):
    nb("for batch in torch.utils.data.DataLoader([torch.zeros(i + 1) for i in range(4)], batch_size=2): pass")
    assert "%data_audit" in nb("%explain_error --quiet").value.sentence()


def test_help_and_the_ladder(nb):
    assert "%explain_error --budget 20" in nb("%explain_error?").out
    assert "%explain_error --budget 20" in nb("%explain_error --help").out
    nb(FAILS)
    nb("%explain_error --quiet")
    assert "%explain_error" in nb("%dldebug").out


def test_the_door_explains_an_exception(nb):
    nb(f"{ON}\ntry:\n    Net(7)(x)\nexcept RuntimeError as error:\n    kept = error")
    error = nb.shell.user_ns["kept"]
    before = type(error), str(error), error.__traceback__, error.__context__, error.__cause__
    report = dldebug.explain_error(error, budget=20)
    assert report.findings[0].name == "linear_in_features_mismatch"
    assert before == (type(error), str(error), error.__traceback__, error.__context__, error.__cause__)


UNCHANGED = {
    "a name": "undefined",
    "torch without a model": "x @ x",
    "a usage error": "%overfit_batch nothing_here --steps 3",
    "a syntax error": "def f(:",
    "a loader": "for b in torch.utils.data.DataLoader([torch.zeros(i + 1) for i in range(4)], batch_size=2): pass",
    "raised by the user's own model": "class Picky(nn.Module):\n def forward(self, x):\n  raise ValueError('no')\nPicky()(x)",
    "the stop button": "raise KeyboardInterrupt",
    "the end": "raise SystemExit",
    "a bad value in the source": "x = '\\0",
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_exceptions_that_are_not_ours_look_exactly_as_without_us(nb, name):
    before = nb(UNCHANGED[name])
    nb("%config DLDebugMagics.explain_errors = True")
    after = nb(UNCHANGED[name])
    number = re.compile(r"(In ?\[|line |input-|cell )\d+|0x\w+|-[0-9a-f]{12}")
    assert number.sub("#", plain(after.out + after.err)) == number.sub("#", plain(before.out + before.err))
    assert type(after.error) is type(before.error)


def test_ours_is_told_first_and_the_traceback_follows_unchanged(nb):
    before = nb(FAILS)
    nb(ON)
    after = nb(FAILS)
    assert (type(after.error), str(after.error)) == (type(before.error), str(before.error))
    told, _, shown = plain(after.out).partition("bit-identical to before.")
    number = re.compile(r"(In ?\[|line |input-|cell )\d+|-[0-9a-f]{12}")
    assert "linear_in_features_mismatch" in told and "in_features=8" in told
    assert number.sub("#", shown.strip()) == number.sub("#", plain(before.out).removeprefix("forward").strip())
    assert after.out.splitlines().count("forward") == 1  # what the copies print is not printed again
    assert nb.shell.user_ns["wrong"].training and sys.last_value is after.error


def test_it_can_be_turned_off_and_is_gone_when_unloaded(nb):
    held = {name: vars(nb.shell).get(name) for name in ("showtraceback", "CustomTB", "set_custom_exc")}
    for off in ("%config DLDebugMagics.explain_errors = False", "%unload_ext dldebug"):
        nb(ON)
        assert {name: vars(nb.shell).get(name) for name in held} != held
        nb(off)
        assert {name: vars(nb.shell).get(name) for name in held} == held
        assert "proven" not in nb(FAILS).out
    nb("%load_ext dldebug")
    assert "proven" in nb(FAILS).out  # %config wrote it into the shell's configuration, which is the user's


@pytest.mark.parametrize("first", [True, False])
def test_a_handler_of_the_users_own_is_called_as_before(nb, first):
    cells = [HANDLER, ON]
    for cell in cells if first else reversed(cells):
        assert nb(cell).error is None
    after = nb(FAILS)
    assert nb.shell.user_ns["seen"] == [str(after.error)]
    assert after.out.count("ERROR, proven: linear_in_features_mismatch") == 1 and "Traceback" in after.out.partition("proven")[2]
    nb("%config DLDebugMagics.explain_errors = False")
    assert "proven" not in nb(FAILS).out and len(nb.shell.user_ns["seen"]) == 2


def test_a_hook_of_somebody_elses_stays_in_front(nb):
    nb(ON)
    ours = nb.shell.showtraceback
    nb.shell.showtraceback = lambda *args, **options: ours(*args, **options)
    theirs = nb.shell.showtraceback
    nb("%config DLDebugMagics.explain_errors = False")
    assert nb.shell.showtraceback is theirs and "proven" not in nb(FAILS).out
    nb(ON)
    assert nb(FAILS).out.count("ERROR, proven") == 1


@pytest.mark.parametrize("failure", [ZeroDivisionError("ours"), KeyboardInterrupt()])
def test_a_defect_of_ours_never_hides_the_traceback(nb, monkeypatch, failure):
    nb(ON)

    def broken(*_):
        raise failure

    monkeypatch.setattr(explanation, "explanation", broken)
    after = nb(FAILS)
    assert "no explanation" in after.err and "cannot be multiplied" in after.out and str(after.error) in after.out
    assert type(after.error) is RuntimeError and after.error.__context__ is None


def test_showing_a_traceback_again_explains_nothing_again(nb):
    nb(ON)
    nb(FAILS)
    assert "proven" not in nb("%tb").out


def test_what_is_raised_through_a_magic_of_ours_is_not_explained_on_top(nb):
    nb(ON)
    nb("class Broken:\n    def __iter__(self):\n        return iter([wrong(x)])\nwrong = Net(7)")
    assert "proven" not in nb("%overfit_batch net criterion opt Broken()").out


def test_the_configuration_file_turns_it_on(shell, capsys):
    shell.config.DLDebugMagics.explain_errors = True
    shell.run_cell("%load_ext dldebug")
    shell.run_cell(SET_UP + FAILS)
    assert "proven" in capsys.readouterr().out


FEW = """
del net, opt, train_dl
small = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
pairs = torch.utils.data.DataLoader(list(zip(x, torch.arange(6) % 3)), batch_size=6)
for inputs, target in pairs:
    criterion(small(inputs), target)
"""


def test_a_cause_that_only_the_whole_program_proves(nb):
    nb(FEW)
    report = nb("%explain_error --quiet").value
    assert report.findings[0].name == "num_classes_mismatch" and report.findings[0].confidence.value == "proven"
    assert "the whole program was run on a copy" in report.said[0] and report.experiment.failure.phase == "loss"


def test_a_program_that_is_another_one_is_not_taken_for_it(nb):
    nb("del net, opt\nclass Stops(nn.Module):\n    def forward(self, x):\n        return x @ x\nother = nn.Linear(3, 3)\nStops()(x)")
    report = nb("%explain_error --quiet").value
    assert "the whole program" not in " ".join(report.said) and "`Stops`" in report.said[0]


def test_a_report_keeps_nothing_of_the_program_alive(nb):
    def explained():
        net, inputs = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(7, 3)), torch.randn(5, 4)
        kept = [weakref.ref(thing) for thing in (net, net[1], inputs)]
        try:
            net(inputs)
        except RuntimeError as error:
            return kept, dldebug.explain_error(error)

    kept, report = explained()
    gc.collect()
    assert report.findings and [reference() for reference in kept] == [None, None, None]


def test_a_watched_cell_is_explained_too(nb):
    nb(ON)
    cell = nb("%%watch\nwrong = Net(7)\nwrong(x)")
    assert type(cell.error) is RuntimeError and cell.out.count("ERROR, proven: linear_in_features_mismatch") == 1
    nb("%config DLDebugMagics.explain_errors = False")
    nb("%%watch --quiet\ncriterion(net(x), y + 3).backward()")
    report = nb("%explain_error --quiet").value
    assert report.experiment.failure.phase == "loss" and report.findings
