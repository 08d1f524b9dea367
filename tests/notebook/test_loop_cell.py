"""The loop that the map writes for `%%watch`: run as it is in a real shell, and honest about what it lacks."""

from __future__ import annotations

import pytest

from dldebug_magics.notebook.loop_cell import watched_loop
from dldebug_magics.notebook.names import Names

PROGRAM = """
import torch
from torch import nn
torch.manual_seed(0)
data = torch.utils.data.TensorDataset(torch.randn(64, 4), torch.randint(0, 3, (64,)))
loader = torch.utils.data.DataLoader(data, batch_size=16)
net, criterion = nn.Linear(4, 3), nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
"""


@pytest.fixture
def written(run):
    """What is written in a shell with this program."""
    run(PROGRAM)
    return lambda kept=(), more="": (run(more), watched_loop(dict(kept), Names(run.shell.user_ns)))[1]


def test_where_all_is_known_it_trains_and_the_watch_finds_nothing(run, written):
    cell, lacking = written()
    assert not lacking and cell.splitlines()[0] == "%%watch net opt" and "#" not in cell
    before = run("net.weight.detach().clone()").value
    ran = run(cell)
    assert ran.error is None and ran.value.ok, ran.out
    assert ran.value.experiment.taken == 2 * 4 and not bool((run("net.weight").value == before).all())


def test_what_is_lacking_or_there_twice_is_said_and_not_guessed(written):
    cell, lacking = written(more="del opt; other = nn.Linear(4, 3)")
    assert lacking.startswith("To fill in: several things here could be the model: `net`, `other`")
    assert "no optimizer is known here" in lacking and cell.splitlines()[:2] == ["%%watch", f"# {lacking}"]
    compile(cell.partition("\n")[2], "cell", "exec")


def test_what_subject_named_goes_before_and_a_step_needs_no_loss(run, written):
    kept = {"model": "other", "optimizer": "torch.optim.SGD(other.parameters(), lr=0.1)", "train": "loader", "step": "one"}
    more = "del criterion; other = nn.Linear(4, 3)\ndef one(batch): return other(batch[0]).square().mean()"
    cell, lacking = written(kept, more)
    assert (
        not lacking and "loss = one(batch)" in cell and cell.startswith("%%watch other\noptimizer = torch.optim.SGD(") and "net" not in cell
    )
    ran = run(cell)
    assert ran.error is None and ran.value.experiment.taken == 8 and len(ran.value.experiment.optimizers) == 1


def test_no_kind_is_taken_for_an_optimizer_and_batches_go_where_the_model_is(written):
    cell, lacking = written({"optimizer": "Adam"}, "from torch.optim import Adam; net = nn.Linear(4, 3, device='meta')")
    assert lacking == "To fill in: no optimizer is known here."
    assert '    inputs, targets = inputs.to("meta"), targets.to("meta")' in cell
