"""A cell's first steps again, on copies: a change that helps is proven, one that does nothing never is, and nothing happens twice."""

from __future__ import annotations

import dataclasses
import linecache

import pytest
import torch

from dldebug_magics.ask import Watch
from dldebug_magics.checks import load
from dldebug_magics.engine.edits import Insert, Remove, Replace
from dldebug_magics.engine.evidence import Confidence, Evidence, Finding, Fix
from dldebug_magics.instruments.again import Again, Program
from dldebug_magics.instruments.watch import _standing

SETUP = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(seed)
x = torch.randn(96, 4)
data = TensorDataset(x, (x @ torch.randn(4, 3)).argmax(1))
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
optimizer, loader = torch.optim.SGD(net.parameters(), lr=rate), DataLoader(data, batch_size=8, shuffle=True)
"""
LOOP = """for epoch in range(epochs):
    for a, b in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(a), b)
        loss.backward()
        optimizer.step()
"""
NEVER_CLEARED = LOOP.replace("        optimizer.zero_grad()\n", "        # cleared\n")
CLEARED = Replace(("cell", 3), "# cleared", "optimizer.zero_grad()")
COUNTS = """
class Numbers:
    n = 0
    def __next__(self):
        Numbers.n += 1
        return Numbers.n
numbers = Numbers()
"""
DRAWS = Insert(("cell", 1), "torch.rand(3)")


@dataclasses.dataclass
class Cell:
    """A cell, run in a notebook of its own and watched, with a finding that proposes these edits."""

    space: dict
    again: Again
    watch: Watch

    def report(self, *edits):
        evidence = Evidence(Confidence.LIKELY, fix=Fix("Change it.", edits=edits))
        finding = Finding(load("loop", "missing_zero_grad"), evidence, Confidence.LIKELY)
        (*_, report) = self.again.proven(dataclasses.replace(self.watch.report, findings=(finding,)), self.watch.log)
        return report

    def trial(self, *edits):
        return self.report(*edits).findings[0].again

    def missing(self, *edits):
        (line,) = self.report(*edits).not_examined
        return line.removeprefix("a proof of missing_zero_grad by running again: ")


def cell(loop, setup="", seed=0, rate=0.1, epochs=3, budget=100.0):
    space = {"__name__": "a_cell", "seed": seed, "rate": rate, "epochs": epochs}
    exec(SETUP + setup, space)
    linecache.cache["cell"] = (len(loop), None, loop.splitlines(True), "cell")
    again, watch = Again(Program(space, "cell"), budget), Watch()
    with watch:
        exec(compile(loop, "cell", "exec"), space)
    return Cell(space, again, watch)


def test_a_change_that_helps_is_proven_and_both_courses_are_shown():
    report = cell(NEVER_CLEARED, rate=0.5).report(CLEARED)
    (finding,) = report.findings
    assert finding.confidence is Confidence.PROVEN and finding.again.steps == 36 and report.untouched
    assert "with the change" in finding.again.outcome and finding.again.pair.corrected[0] == report.experiment.losses[0]
    assert report.steps >= 10 * 36 and "Copies ran" in repr(report) and "as it is" in repr(report)
    assert 'alt="Run again on copies' in report._repr_html_() and report.to_dict()["findings"][0]["again"]


def test_a_change_that_harms_or_does_nothing_is_told_and_proves_nothing():
    harms = cell(LOOP, rate=0.5).report(Remove(("cell", 3)))
    assert harms.findings[0].confidence is Confidence.LIKELY and "no better" in repr(harms)
    nothing = cell(LOOP).trial(Replace(("cell", 5), "loss.backward()", "loss.backward(retain_graph=False)"))
    assert not nothing.better and nothing.pair.as_is == nothing.pair.corrected


@pytest.mark.parametrize("loop", [LOOP, f"torch.manual_seed(1)\n{LOOP}"], ids=["free", "seeded in the cell"])
def test_over_a_hundred_seeds_a_change_of_nothing_but_random_numbers_is_never_a_proof(loop):
    change = DRAWS if loop is LOOP else dataclasses.replace(DRAWS, spot=("cell", 2))
    trials = [cell(loop, seed=seed, rate=(0.02, 0.3, 1.0)[seed % 3], epochs=1).trial(change) for seed in range(50)]
    assert not [trial.outcome for trial in trials if trial.better]
    assert any(trial.pair.corrected != trial.pair.as_is for trial in trials)


def test_a_change_of_the_measure_alone_is_no_proof():
    assert not cell(LOOP).trial(Replace(("cell", 4), "F.cross_entropy(net(a), b)", "F.cross_entropy(net(a), b) * 0.05")).better


def test_the_change_is_made_in_a_function_of_another_cell_and_in_a_method():
    source = "class Trainer:\n    def fit(self):\n" + "".join(f"        {line}\n" for line in NEVER_CLEARED.splitlines())
    linecache.cache["earlier"] = (len(source), None, source.splitlines(True), "earlier")
    run = cell("trainer.fit()", f"exec(compile({source!r}, 'earlier', 'exec'))\ntrainer = Trainer()", rate=0.5)
    code = run.space["Trainer"].fit.__code__
    assert run.trial(Replace(("earlier", 5), "# cleared", "optimizer.zero_grad()")).better
    assert run.space["Trainer"].fit.__code__ is code
    assert "ran before" in run.missing(Insert(("earlier", 1), "pass"))


@pytest.mark.parametrize(
    ("loop", "setup", "why"),
    [
        (LOOP.replace("loader:", "stream:"), "stream = (batch for batch in [*loader] * 9)", "`stream` can't be copied"),
        (LOOP.replace("        loss.b", "        torch.save(net, target)\n        loss.b"), "", "it saves a file"),
        (LOOP + "        open(target, 'w').write('x')\n", "", "it writes"),
        (LOOP, "epochs = 0", "the program took 0 steps"),
        (LOOP + "        wandb.log(1)\n", "import types\nwandb = types.SimpleNamespace(log=print)", "it reports to `wandb`"),
        (LOOP, "net[0].weight.register_hook(lambda gradient: gradient)", "a tensor has hooks"),
        ("torch.manual_seed(next(numbers))\n" + LOOP, COUNTS, "did not train as it had"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_twice_is_not_tried_and_said(loop, setup, why, tmp_path):
    run = cell(loop, f"{setup}\ntarget = {str(tmp_path / 'kept')!r}")
    kept = (tmp_path / "kept").read_bytes() if (tmp_path / "kept").exists() else b""
    assert why in run.missing(CLEARED if "cleared" in loop else DRAWS)
    assert not kept or (tmp_path / "kept").read_bytes() == kept


def test_nothing_is_printed_drawn_or_kept_twice(capsys):
    figures = "import sys, matplotlib; matplotlib.use('agg'); import matplotlib.pyplot as plt; log = []; plt.plot([1])"
    run = cell(NEVER_CLEARED + "        print(loss.item()); plt.plot([2]); plt.figure(2); log.append(1)\n", figures)
    capsys.readouterr()
    plt, before = run.space["plt"], _standing()
    numbers, lines, rng = plt.get_fignums(), len(plt.figure(1).axes[0].lines), torch.get_rng_state()
    assert run.trial(CLEARED) is not None
    assert capsys.readouterr() == ("", "") and plt.get_fignums() == numbers and len(plt.figure(1).axes[0].lines) == lines
    assert len(run.space["log"]) == 36 and torch.equal(torch.get_rng_state(), rng) and _standing() == before
    plt.close("all")


def test_the_time_is_kept_and_the_stop_button_leaves_a_report(monkeypatch):
    run = cell(NEVER_CLEARED)
    run.again.budget = 0.0
    assert "there is time for" in run.missing(CLEARED)
    run, pressed = cell(NEVER_CLEARED), iter([False])
    plain = run.again.copies.run

    def stopped(*given):
        if next(pressed, True):
            raise KeyboardInterrupt  # and no signal, which parallel workers ignore
        return plain(*given)

    monkeypatch.setattr(run.again.copies, "run", stopped)
    likely = tuple(dataclasses.replace(f, confidence=Confidence.LIKELY) for f in run.watch.report.findings)
    reports = run.again.proven(dataclasses.replace(run.watch.report, findings=likely), run.watch.log)
    assert next(reports).progress == "running again on copies, with and without missing_zero_grad"
    report = next(reports)
    with pytest.raises(KeyboardInterrupt):
        next(reports)
    assert report.stopped == "by you" and report.findings and report.untouched and report.steps == 36
