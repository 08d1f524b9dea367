"""Every panel that a magic opens, in a real kernel: it opens without a word on the side, does what its buttons say, and freezes to HTML.

What each can do is told in the tests of its own file; this one holds for whatever IPython and ipywidgets there are.
"""

from __future__ import annotations

import pytest

from dldebug_magics.ask import names
from tests.notebook.test_kernel import Kernel, of
from tests.notebook.test_panels import LOOK, VIEW, pressed
from tests.notebook.test_static_survival import LOOP, PROGRAM

SOUND = """
torch.manual_seed(0)
net, wide = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)), nn.Linear(6, 3)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
%subject net criterion optimizer train_loader --val val_loader
"""
# The line; the button that is pressed and what its status line ends with; a control that is moved and what then stands in the panel.
PANELS = {
    "overfit_batch": ("%overfit_batch --steps 60", ("Run", "It learns"), ("lr factor", "0.5"), "learning rates times 0.5"),
    "shape_trace": ("%shape_trace", ("Trace these sizes", "on fake tensors"), ("batch size", "7"), "7 x 16"),
    "memory_plan": ("%memory_plan --limit 1MB", ("Plan this batch size", "fits into 1.00 MB"), ("batch size", "100"), "100 samples"),
    "bias_variance": ("%bias_variance --human 0.02", ("Run", "rror on train"), ("human", "'0.3'"), "30.0 %"),
    "improve": (
        "%improve --budget 8 --passes 1 --seeds 2 --only more_regularisation --term variance",
        ("Run", "tried on copies"),
        ("passes", "2"),
        "passes 2",
    ),
    "distribution_shift": (
        "%distribution_shift net criterion --train-val val_loader --test test_loader --samples 60",
        ("Run", "differ"),
        ("samples", "50"),
        "50 samples of train-val",
    ),
    "data_audit": ("%data_audit --train train_loader", ("Run", "Nothing wrong was found"), ("val", "'val_loader'"), "128 samples"),
    "diagnose": ("%diagnose", ("Run", "OK: "), ("budget", "20.0"), "The ladder, as far as it was climbed"),
    "watch": (LOOP, None, ("step", "7"), "What is known at step 7"),
    "dldebug": ("%dldebug", ("%shape_trace", "OK: It runs"), None, "%shape_trace: asked, OK: It runs"),
}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    running = Kernel(tmp_path_factory.mktemp("kernel"))
    for cell in ("%load_ext dldebug", PROGRAM, SOUND, LOOK):
        assert not of(running.run(cell), "error")
    yield running
    running.close()


@pytest.mark.parametrize("name", ["IPython", "ipykernel", "ipywidgets"])
def test_the_kernel_has_what_these_tests_have(kernel, name):
    """Else the oldest versions would not have been tried, whatever is installed here."""
    assert kernel.value(f"__import__({name!r}).__version__") == repr(__import__(name).__version__)


def test_every_magic_that_has_a_panel_is_here():
    assert set(PANELS) == {*names(), "watch", "dldebug"}


@pytest.mark.parametrize("name", PANELS)
def test_it_opens_works_and_freezes(kernel, name):
    line, press, moved, shown = PANELS[name]
    first, newline, cell = line.partition("\n")
    kernel.run("panels.close()")
    messages = kernel.run(f"{first} --panel{newline}{cell}")
    assert not of(messages, "error", "stream"), messages
    assert VIEW in of(messages, "display_data")[-1]["data"]
    if moved:
        kernel.run(f"control({moved[0]!r}).value = {moved[1]}")
    if press:
        pressed(kernel, *press)
    assert shown in kernel.value("shown()")
    static = of(kernel.run("panel().freeze()"), "update_display_data")[-1]["data"]
    assert shown in static["text/html"] and "<button" not in static["text/html"] and VIEW not in static
    kernel.run("panels.close()")
    assert kernel.value("alive()") == "0"
