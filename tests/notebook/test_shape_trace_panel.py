"""The panel of `%shape_trace`: depth and filter pick from the trace, other sizes are traced without numbers, what breaks is first."""

from __future__ import annotations

import types

import pytest

SET_UP = """
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), nn.Flatten(), nn.Linear(4 * 6 * 6, 5))
batch = torch.randn(2, 3, 8, 8)
class Reads(nn.Module):
    def forward(self, x):
        return x * x.sum().item()
"""


@pytest.fixture
def opened(run):
    """Opens a panel below the line, in a shell that calls itself a notebook, and finds its controls."""
    pytest.importorskip("ipywidgets")
    run(SET_UP)
    run.shell.kernel = types.SimpleNamespace(get_parent=lambda: {"content": {"code": "cell"}})
    panels = run.shell.magics_manager.registry["DLDebugMagics"].session.panels

    def line(text: str):
        cell = run(f"r = {text} --panel")
        assert cell.error is None and not cell.err, cell.err
        (panel,) = panels.live.values()
        return panel

    yield line
    panels.close()
    del run.shell.kernel


def control(panel, label: str):
    from dldebug_magics.notebook.panels.panel import _parts

    (found,) = (one for one in _parts(panel.root) if getattr(one, "description", None) == label)
    return found


def table(panel) -> str:
    return panel.body.children[-1].value


def test_depth_and_filter_pick_from_the_finished_trace(opened):
    panel = opened("%shape_trace net batch")
    levels = control(panel, "levels open")
    assert (levels.max, levels.value) == (2, 2) and table(panel).count("<details open>") == 2
    levels.value = 1
    assert table(panel).count("<details open>") == 1 and "[2 rows inside]" in table(panel)
    levels.value = 2
    assert table(panel).count("<details open>") == 2 and "rows inside]" not in table(panel)
    assert "HERE IT BREAKS" not in table(panel)
    control(panel, "filter").value = "CONV"
    assert "0 Conv2d" in table(panel) and "Linear" not in table(panel) and "total of" not in table(panel)
    control(panel, "filter").value = "2x144"
    assert "Flatten" in table(panel) and "Linear" in table(panel) and "Conv2d" not in table(panel)
    control(panel, "filter").value = "<b>"
    assert "No call holds “&lt;b&gt;”" in table(panel)
    control(panel, "filter").value = ""
    assert "total of 6 calls" in table(panel)


def test_other_sizes_are_traced_without_numbers_and_the_failing_row_is_first(opened):
    panel = opened("%shape_trace net batch --budget 4")
    sizes = control(panel, "input sizes")
    assert sizes.value == "2x3x8x8" and control(panel, "batch size").value == 2
    control(panel, "batch size").value = 1_000_000
    assert sizes.value == "1000000x3x8x8"
    control(panel, "Trace these sizes").click()
    assert "OK: It runs, output 1000000 x 5" in panel.status.value and "on fake tensors" in panel.status.value
    assert "1000000 x 4 x 6 x 6" in table(panel)
    sizes.value = "2x3x9x9"
    control(panel, "Trace these sizes").click()
    assert "FAIL: It breaks in the forward pass" in panel.status.value
    first = table(panel).index("HERE IT BREAKS")
    assert first < table(panel).index("2 Linear") < table(panel).index("The shapes, call by call")
    assert sizes.value == "2x3x9x9" and control(panel, "batch size").value == 2
    sizes.value = "two by three"
    control(panel, "Trace these sizes").click()
    assert "FAIL: `two` is not a shape" in panel.status.value.replace("&#x27;", "'")


def test_a_model_that_reads_numbers_gets_some(opened):
    panel = opened("%shape_trace Reads() batch")
    control(panel, "Trace these sizes").click()
    assert "OK: It runs" in panel.status.value and "on real ones, for the model reads numbers" in panel.status.value


def test_frozen_it_is_html_and_closed_it_leaves_no_widget(opened):
    import ipywidgets

    def alive() -> int:
        held = getattr(ipywidgets.widgets.widget, "_instances", None)
        return len(ipywidgets.Widget.widgets if held is None else held)

    before = alive()
    panel = opened("%shape_trace net batch")
    shown = []
    panel.handle.update = lambda data, raw: shown.append(data["text/html"])
    panel.freeze()
    assert "The shapes, call by call" in shown[0] and "levels open: 2" in shown[0] and "<button" not in shown[0]
    panel.close()
    assert alive() == before
