"""What a watch writes for other programs, read back and held against what plain code in the loop recorded."""

from __future__ import annotations

import copy
import csv
import math
import pickle
import sys

import pandas
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.nn import functional as F

import dldebug
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.report import Report
from dldebug_magics.instruments.watch.pace import is_looked_at
from tests.loops.healthy.program import loaders, net

CLOSE = [step for step in range(40) if is_looked_at(step)]


def trained(steps=40, accumulate=1):
    """A report, and each step's loss, rate, gradient norm, and that of each layer, as the loop itself saw them."""
    torch.manual_seed(0)
    model, plain = net(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    train, val = loaders()

    def loop():
        batches = [batch for _ in range(20) for batch in train]
        for step in range(steps):
            optimizer.zero_grad()
            for x, y in batches[step * accumulate : (step + 1) * accumulate]:
                loss = F.cross_entropy(model(x), y) / accumulate
                loss.backward()
            layers = [torch.cat([p.grad.flatten() for p in m.parameters()]).norm() for m in model if list(m.parameters())]
            plain.append((loss.item(), schedule.get_last_lr()[0], torch.stack(layers).norm().item(), *(n.item() for n in layers)))
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            for x, _ in val:
                model(x)

    return dldebug.watch(loop), plain


def test_csv_has_a_row_a_step(tmp_path):
    report, plain = trained()
    report.to_csv(tmp_path / "loop.csv")
    table = pandas.read_csv(tmp_path / "loop.csv")
    steps, last = table[table.phase == "train"], table.iloc[-1]
    assert list(steps.step) == list(range(40)) and (last.phase, last.step) == ("evaluate", 40) and math.isnan(last.loss)
    assert steps.loss.tolist() == pytest.approx([row[0] for row in plain]) and steps.rate.tolist() == pytest.approx([r[1] for r in plain])
    looked_at = steps[steps.gradient.notna()]
    assert list(looked_at.step) == CLOSE and set(looked_at.optimizer) == {"optimizer"}
    groups = [name for name in table.columns if name.startswith("gradient")]
    assert len(groups) >= 3
    for _, row in looked_at.iterrows():
        assert row[groups].tolist() == pytest.approx(plain[int(row.step)][2:], rel=1e-4)
    assert (looked_at.memory > 1e6).all() and (looked_at.seconds.diff().dropna() > 0).all()


def test_with_several_passes_a_step_the_loss_is_that_of_the_steps_looked_at(tmp_path):
    report, plain = trained(steps=30, accumulate=2)
    report.to_csv(tmp_path / "loop.csv")
    with open(tmp_path / "loop.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["phase"] == "train"]
    assert len(rows) == 30 and all(row["rate"] for row in rows)
    known = {int(row["step"]): float(row["loss"]) for row in rows if row["loss"]}
    assert set(range(12)) <= known.keys() < set(range(30)) and known == pytest.approx({step: plain[step][0] for step in known})


def test_tensorboard_reads_what_the_loop_did(tmp_path):
    report, plain = trained()
    report.to_tensorboard(tmp_path / "runs")
    events = EventAccumulator(str(tmp_path / "runs"), size_guidance={"scalars": 0})
    events.Reload()
    losses, gradients = events.Scalars("loss"), events.Scalars("gradient")
    assert [e.step for e in losses] == list(range(40)) and [e.value for e in losses] == pytest.approx([row[0] for row in plain])
    assert [e.value for e in gradients] == pytest.approx([plain[e.step][2] for e in gradients], rel=1e-4) and [
        e.step for e in gradients
    ] == CLOSE
    tags = set(events.Tags()["scalars"])
    assert {"rate", "update", "weights", "memory", "seconds", "waited"} <= tags
    assert len([tag for tag in tags if tag.startswith("gradient/")]) == len(plain[0]) - 3


def test_a_missing_tensorboard_is_one_line(monkeypatch, tmp_path):
    report, _ = trained(steps=2)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserMistake) as raised:
        report.to_tensorboard(tmp_path)
    assert str(raised.value) == "tensorboard is not installed; pip install tensorboard" and raised.value.__suppress_context__


def test_only_what_was_watched_can_be_exported():
    for report in (Report(), dldebug.overfit_batch(nn.Linear(2, 2), F.mse_loss, None, (torch.ones(2, 2), torch.ones(2, 2)), budget=1)):
        assert "to_csv" not in dir(report) and not hasattr(report, "to_tensorboard")
        with pytest.raises(AttributeError, match=r"^a report on (NoneType|OverfitBatch) has no `to_csv`$"):
            _ = report.to_csv
    report, _ = trained(steps=2)
    assert {"to_csv", "to_tensorboard", "to_dict"} <= set(dir(report))
    again = pickle.loads(pickle.dumps(Report(seconds=2.0)))
    assert again.seconds == 2.0 and copy.deepcopy(report).sentence() == report.sentence()


def test_the_report_draws_its_course_and_says_it_in_words():
    report, plain = trained()
    text = " ".join(repr(report).split())
    assert f"loss from {plain[0][0]:.3g} to {plain[-1][0]:.3g}" in text and "gradient norm, model.0" in text
    assert report._repr_html_().count("<img alt=") == 1
    few, _ = trained(steps=12)
    assert "<img" not in few._repr_html_() and "gradient norm" in repr(few)
