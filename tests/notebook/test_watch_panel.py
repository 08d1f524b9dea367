"""The panel of `%%watch`: the recorded numbers as charts that are chosen, a step to jump to, and what was found, with its line."""

from __future__ import annotations

import base64
import csv
import io
import re
import types

import pytest

from dldebug_magics.document import Panels as Charts
from tests.notebook.test_shape_trace_panel import control

SET_UP = """
import torch
from torch import nn
torch.manual_seed(0)
x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
"""
LOOP = """
for step in range(60):
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
"""


@pytest.fixture
def watched(run):
    """A watched loop without zero_grad, in a shell that calls itself a notebook, and the panel below it."""
    pytest.importorskip("ipywidgets")
    run.shell.kernel = types.SimpleNamespace(get_parent=lambda: {"content": {"code": "cell"}})
    panels = run.shell.magics_manager.registry["DLDebugMagics"].session.panels
    run(SET_UP)
    cell = run(f"%%watch net optimizer --panel{LOOP}")
    assert cell.error is None, cell.err
    (panel,) = panels.live.values()
    yield run, cell.value, panel
    panels.close()
    del run.shell.kernel


def test_a_step_is_read_out_as_it_was_recorded(watched, tmp_path):
    _, report, panel = watched
    report.to_csv(tmp_path / "loop.csv")
    rows = {int(row["step"]): row for row in csv.DictReader((tmp_path / "loop.csv").read_text(encoding="utf-8").splitlines())}
    step = control(panel, "step")
    seen = panel.body.children[3].children[1]
    assert step.max == 59
    step.value = 7
    number = {name: f"{float(text):.3g}" for name, text in rows[7].items() if name.startswith(("loss", "rate", "gradient"))}
    assert f"Step 7 of 0 to 59: loss {number['loss']}, rate {number['rate']}; gradient norm {number['gradient']}" in seen.value
    assert f"of net.0 {number['gradient of net.0']}, net.2 {number['gradient of net.2']}." in seen.value
    below = panel.body.children[5]
    assert "What happened in step 7" in below.value and "loss.backward()" in below.value and "line 4" in below.value
    step.value = 58
    last = max(number for number, row in rows.items() if row["gradient"] and number <= 58)
    assert last == 58 or f"(looked at in step {last})" in seen.value
    assert f"loss {float(rows[58]['loss']):.3g}" in seen.value


def test_the_series_chosen_are_drawn_and_the_finding_has_its_line(watched):
    _, report, panel = watched
    found, charts = panel.body.children[0], panel.body.children[2]
    series = {box.description: box for box in panel.body.children[1].children}
    assert report.findings[0].name == "missing_zero_grad"
    assert "missing_zero_grad" in found.value and report.findings[0].where.split(": ")[0] in found.value
    start = [name for name, box in series.items() if box.value]
    assert sorted(start) == ["gradient norm", "gradient norm, net.0", "gradient norm, net.2", "loss"] and len(series) > 6
    assert charts.value.count("<img") == 1 and "gradient norm, net.2 from" in charts.value
    for name, box in series.items():
        box.value = name == "rate"
    assert "rate 0.1 throughout" in charts.value and "gradient" not in charts.value
    series["rate"].value = False
    assert "No series is chosen" in charts.value and not panel.status.value


def test_a_report_opens_it_too_and_frozen_it_is_html(watched):
    run, report, panel = watched
    shown = []
    panel.handle.update = lambda data, raw: shown.append(data["text/html"])
    again = report.panel()
    assert again is not panel and panel.closed and "Panel of %%watch" in repr(again)
    again.handle.update = lambda data, raw: shown.append(data["text/html"])
    again.freeze()
    assert (
        "missing_zero_grad" in shown[-1] and "<img alt=" in shown[-1] and "step: 0" in shown[-1] and "What is known at step 0" in shown[-1]
    )
    never = run("import dldebug\nwith dldebug.watch() as nothing:\n    pass\nnothing.panel()").value
    assert "No optimizer step was seen" in never.body.children[0].value


EPOCHS = """
for epoch in range(4):
    net.eval()
    with torch.no_grad(): net(x)
    net.train()
    optimizer.param_groups[0]["lr"] = 0.1 if epoch < 2 else 0.01
    for batch in range(10):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
"""


def place_of(html: str) -> float:
    """Where the one mark stands, in percent of the picture's width."""
    (found,) = re.findall(r"left:([\d.]+)%", html)
    return float(found)


@pytest.mark.parametrize("step", [0, 17, 59])
def test_the_mark_stands_where_the_picture_has_the_step(step):
    import matplotlib.image

    values = [1e9 if place == step else 1.0 for place in range(60)]  # wide numbers beside the axes, and one peak
    html = Charts("A peak", "step", (("flat", range(60), [2.0] * 60), ("peak", range(60), values))).drawn()(step)
    (png,) = re.findall(r"base64,([^\"]+)", html)
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(png)))[..., :3]
    ink = (pixels[..., 2] - pixels[..., 0] > 0.15)[pixels.shape[0] // 2 :]  # the blue of the curve, in the lower half, which is the peak's
    highest = ink[ink.any(1).argmax()].nonzero()[0]
    assert abs(place_of(html) / 100 * pixels.shape[1] - highest.mean()) < 1.5
    assert f"step {step} is marked." in html and Charts("A", "step", (("b", [0], [1.0]),)).as_html().count("marked") == 0


def test_a_step_is_marked_without_drawing_and_frozen_it_stays(watched, monkeypatch):
    _, _, panel = watched
    charts, step = panel.body.children[2], control(panel, "step")
    before = re.findall('base64,[^"]+', charts.value)
    monkeypatch.setattr("dldebug_magics.document.panels.stacked", lambda *_: pytest.fail("drawn for a mark"))
    step.value = 30
    middle = place_of(charts.value)
    step.value = 59
    assert "optimizer step 59 is marked" in charts.value and re.findall('base64,[^"]+', charts.value) == before
    assert 50 < middle < place_of(charts.value) < 100
    shown = []
    panel.handle.update = lambda data, raw: shown.append(data["text/html"])
    panel.freeze()
    assert "optimizer step 59 is marked" in shown[-1] and place_of(shown[-1]) > middle and "Step 59 is as most are" in shown[-1]
    assert "<button" not in shown[-1]


def test_two_buttons_jump_between_the_events_of_a_loop(watched):
    run, _, _ = watched
    cell = run(f"%%watch net optimizer --panel{EPOCHS}")
    (panel,) = run.shell.magics_manager.registry["DLDebugMagics"].session.panels.live.values()
    step, told = control(panel, "step"), panel.body.children[4].children[2]
    stops, first = [], {}
    while "no event" not in panel.status.value:
        stops.append(step.value)
        first[step.value] = told.value
        control(panel, "Next event").click()
    assert {0, 10, 20, 30} <= set(stops) and len(stops) < 8 and "no event behind step" in panel.status.value
    assert "eval() is called (cell" in first[10] and "the model was evaluated before it" in first[30]
    assert "the rate goes from 0.1 to 0.01" in first[20] and "the rate goes" not in first[10]
    lowest = next(place for place, text in first.items() if "the lowest loss" in text)
    assert cell.value.experiment.losses[lowest] == min(cell.value.experiment.losses)
    control(panel, "Previous event").click()
    assert step.value == stops[-2] and f"Went to the event at step {stops[-2]}." in panel.status.value
    step.value = 15
    assert "Step 15 is as most are" in told.value
    control(panel, "Previous event").click()
    assert step.value == 10
