"""The map of `%dldebug --panel` as a user has it: the keyboard runs the next magic, and the map moves on."""

from __future__ import annotations

SETUP = """
%load_ext dldebug
import torch
from torch import nn
torch.manual_seed(0)
data = torch.utils.data.TensorDataset(torch.randn(48, 6), torch.randint(0, 3, (48,)))
train_loader = torch.utils.data.DataLoader(data, batch_size=16)
loss_fn, net = nn.CrossEntropyLoss(), nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-5)
session = get_ipython().magics_manager.registry["DLDebugMagics"].session
"""


def test_a_key_runs_the_next_magic_and_the_map_moves_on(notebook):
    opened = notebook(SETUP, "%dldebug --panel")
    opened.run(0)
    opened.run(1)
    button = opened.out(1).get_by_role("button", name="%shape_trace", exact=True)
    button.wait_for()
    assert button.get_attribute("class").count("mod-primary") == 1
    button.focus()
    opened.page.keyboard.press("Enter")
    opened.until("[*session.asked]", "['shape_trace']")
    opened.out(1).get_by_text("%shape_trace: asked, OK").wait_for()
    opened.out(1).get_by_role("status").filter(has_text="Next: %memory_plan").wait_for()
    assert not opened.inaccessible(".jupyter-widgets")
    button.scroll_into_view_if_needed()
    opened.picture("dldebug map")
    button = opened.out(1).get_by_role("button", name="%overfit_batch", exact=True)
    button.click()
    opened.out(1).get_by_text("%overfit_batch: asked, FAILED").wait_for()
    opened.until("session.asked['overfit_batch'].ok", "False")
    _the_loop_is_written_below(opened)
    opened.theme(True)
    button.scroll_into_view_if_needed()
    opened.picture("dldebug map dark")
    assert not opened.inaccessible(".jupyter-widgets")
    opened.theme(False)


def _the_loop_is_written_below(opened):
    """One key puts the watched loop into a cell of its own, which runs as it is, and the map moves on."""
    write = opened.out(1).get_by_role("button", name="Write %%watch below", exact=True)
    write.focus()
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_function("() => document.querySelectorAll('.jp-Notebook .jp-Cell').length === 3")
    assert opened.texts()[2].splitlines()[:2] == ["%%watch net optimizer", "net.train()"]
    opened.run(2)
    opened.until("session.asked['watch'].ok", "True")
    opened.out(1).get_by_text("%%watch: asked, OK").wait_for()
