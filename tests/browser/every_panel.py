"""The cells that open every panel, all in one notebook, and what is asked of the panels in its kernel.

The controls are read from the widgets and not listed: whatever a panel is made of is worked, a new option with no edit here.
"""

from __future__ import annotations

import ast
from typing import Any

from tests.browser.driver import Control
from tests.browser.lab import PATIENCE, Notebook

SETUP = """
%load_ext dldebug
import hashlib, html, io, json, random, re, time
import ipywidgets, numpy, torch
from torch import nn
from dldebug_magics.notebook.panels.work import busy

beat, pace = ipywidgets.Label("none"), 0.0  # seconds that each pass takes longer, and a sign on the page that one is going
def felt():
    if pace:
        beat.value = f"pass {time.monotonic()}"
        time.sleep(pace)

class Felt(nn.Sequential):
    def forward(self, x):
        felt()
        return super().forward(x)

class Rows(torch.utils.data.Dataset):
    def __init__(self, seed, count):
        numbers = torch.Generator().manual_seed(seed)
        self.inputs = torch.randn(count, 6, generator=numbers)
        self.labels = torch.randint(0, 3, (count,), generator=numbers)
    def __len__(self):
        return len(self.labels)
    def __getitem__(self, place):
        felt()
        return self.inputs[place], self.labels[place]

def loader(seed, count):
    return torch.utils.data.DataLoader(Rows(seed, count), batch_size=16)

torch.manual_seed(0)
train_loader, held_out, val_loader = loader(0, 48), loader(1, 48), loader(2, 48)
net = Felt(nn.Sequential(nn.Linear(6, 32), nn.ReLU()), nn.Linear(32, 3))
loss_fn, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=3e-5)
session = get_ipython().magics_manager.registry["DLDebugMagics"].session

def state():
    flags = [(part.training, sorted(part._forward_hooks)) for part in net.modules()]
    gradients = [(one.requires_grad, one.grad) for one in net.parameters()]
    randomness = torch.get_rng_state(), random.getstate(), numpy.random.get_state()
    written = io.BytesIO()
    torch.save((net.state_dict(), optimizer.state_dict(), flags, gradients, randomness), written)
    return hashlib.sha256(written.getvalue()).hexdigest()

def panel(name):
    return next((one for one in session.panels.live.values() if one.title.endswith(f"%{name}") and not one.closed), None)

def parts(box, gone=False):  # all that a box shows, and whether that stands in something that is not displayed
    gone = gone or box.layout.display == "none"
    for child in getattr(box, "children", ()):
        yield from parts(child, gone)
    yield box, gone

def widgets(name):  # whatever can be pressed or holds a value, by its kind, its label, and how many before it look the same
    found = {}
    for one, gone in parts(panel(name).root):
        if isinstance(one, (ipywidgets.Button, ipywidgets.ValueWidget)) and not isinstance(one, (ipywidgets.HTML, ipywidgets.Label)):
            off = "hidden" if gone else "disabled" if one.disabled else ""
            same = sum(key[:2] == (type(one).__name__, one.description) and (seen == "hidden") == gone for key, (_, seen) in found.items())
            found[type(one).__name__, one.description, -1 - same if gone else same] = one, off
    return found

def pictures(name):
    found = (re.findall('<img[^>]* src="([^"]+)"', one.value) for one, _ in parts(panel(name).root) if type(one).__name__ == "HTML")
    return sum(found, [])

def written(name):  # what the panel's own buttons would put into a new cell
    found = (re.findall('commandlinker-args="([^"]*)"', one.value) for one, _ in parts(panel(name).root) if type(one).__name__ == "HTML")
    return [json.loads(html.unescape(told))["args"]["text"] for told in sum(found, [])]

def at(name, *key):
    return widgets(name)[key][0]
beat
"""
_PARTS = "net loss_fn optimizer train_loader"
_SPLITS = "--train-val held_out --test-val val_loader"
CELLS = {
    "overfit_batch": f"%overfit_batch {_PARTS} --steps 40 --panel",
    "shape_trace": "%shape_trace net train_loader --panel",
    "memory_plan": "%memory_plan net loss_fn train_loader --optimizer optimizer --limit 1MB --panel",
    "watch": """%%watch net optimizer --panel
for _ in range(4):
    for inputs, labels in train_loader:
        loss = loss_fn(net(inputs), labels)
        loss.backward()
        optimizer.step()""",
    "bias_variance": f"%bias_variance net loss_fn --train train_loader {_SPLITS} --human 0.02 --metric error --panel",
    "improve": f"%improve {_PARTS} {_SPLITS} --human 0.0 --term variance --passes 1 --seeds 2 --budget 2 --panel",
    "dldebug": "%dldebug --panel",
    "data_audit": f"%data_audit {_PARTS} --panel",
}


class Every:
    """The notebook with a cell for each panel, and all of them open."""

    def __init__(self, shown: Notebook):
        self.shown = shown
        shown.run(0)
        shown.out(0).get_by_text("none").wait_for()

    def number(self, name: str) -> int:
        return 1 + [*CELLS].index(name)

    def out(self, name: str) -> Any:
        return self.shown.out(self.number(name))

    def place(self, name: str) -> str:
        """A selector of the panel."""
        self.shown.cell(self.number(name)).evaluate("(cell, name) => cell.setAttribute('data-panel', name)", name)
        return f"[data-panel={name}] .jupyter-widgets"

    def live(self, name: str) -> Notebook:
        """Open the panel, where it is not open already."""
        if self.shown.value(f"panel({name!r}) is None") == "True":
            self.shown.run(self.number(name))
        self.out(name).get_by_role("button", name="Freeze to static").wait_for(timeout=PATIENCE)
        return self.shown

    def fresh(self, name: str) -> Notebook:
        """Open the panel anew, whatever others have set in it."""
        self.shown.run(self.number(name))
        return self.live(name)

    def controls(self, name: str) -> list[Control]:
        """What there is now to be pressed or set."""
        found = ast.literal_eval(self.shown.value(f"[(*key, off) for key, (_, off) in widgets({name!r}).items()]"))
        return [Control(self.shown, self.out(name), name, *key) for key in found]
