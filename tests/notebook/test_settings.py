"""`%config DLDebugMagics`, `%dldebug status`, and a copy that is examined on another device."""

from __future__ import annotations

import base64
import io

import pytest
import torch
from torch import nn

from dldebug_magics import plot
from dldebug_magics.engine.elsewhere import known, on_device
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from dldebug_magics.engine.twin import copy_of


def setting(shell, name):
    return getattr(shell.magics_manager.registry["DLDebugMagics"], name)


@pytest.fixture
def loaded(shell):
    shell.run_cell("%load_ext dldebug")
    yield shell
    shell.run_cell("%config DLDebugMagics.theme = 'auto'")


@pytest.mark.parametrize(
    ("line", "name", "kept"),
    [
        ("budget = -1", "budget", 60.0),
        ("budget = 'long'", "budget", 60.0),
        ("seed = -3", "seed", 0),
        ("device = 'gpu'", "device", ""),
        ("panels = 'yes'", "panels", "off"),
    ],
)
def test_a_wrong_value_is_one_line_and_changes_nothing(loaded, caplog, line, name, kept):
    loaded.run_cell(f"%config DLDebugMagics.{line}")
    assert [record.levelname for record in caplog.records] == ["ERROR"] and "\n" not in caplog.text.strip()
    assert setting(loaded, name) == kept


def test_settings_hold_until_a_line_says_otherwise(loaded, asked):
    loaded.run_cell("%config DLDebugMagics.budget = 7\n%config DLDebugMagics.seed = 5")
    loaded.run_cell("%guess net")
    loaded.run_cell("%guess net --budget 2 --seed 1")
    assert asked == [(7.0, 5, ""), (2.0, 1, "")]
    loaded.run_cell("%config DLDebugMagics.device = 'cpu'\n%guess net")
    assert asked[-1] == (7.0, 5, "cpu")


@pytest.fixture
def asked(monkeypatch, loaded):
    """(budget, seed, device) of each question; the experiment itself is not run."""
    from dldebug_magics import ask
    from dldebug_magics.engine.report import Report
    from dldebug_magics.notebook.spoken import Spoken

    seen = []

    def answer(name, subject, *, budget=60.0, **options):
        seen.append((budget, subject.seed, subject.device))
        yield Report()

    monkeypatch.setattr(ask, "ask", answer)
    session = loaded.magics_manager.registry["DLDebugMagics"].session
    spoken = Spoken("overfit_batch", session)
    loaded.register_magic_function(lambda line: spoken(line), "line", "guess")
    loaded.user_ns |= {"net": nn.Linear(2, 2)}
    return seen


def test_panels_for_all_open_none_in_a_terminal_and_say_nothing(run, pretended):
    run("import torch\nnet = torch.nn.Linear(1, 1)\n%config DLDebugMagics.panels = 'on'")
    panels = run.shell.magics_manager.registry["DLDebugMagics"].session.panels
    for line in ("%overfit_batch net", "%dldebug", "%%watch\n1"):
        cell = run(line)
        assert cell.error is None and "panel needs" not in cell.out + cell.err and not panels.live and panels.always
    assert pretended.subject is not None and "a panel needs a notebook" in run("%overfit_batch net --panel").err
    run("%config DLDebugMagics.panels = 'off'")
    assert not panels.always


def test_the_theme_colours_the_card_and_nothing_else(loaded):
    def corner():
        from matplotlib.image import imread

        return imread(io.BytesIO(base64.b64decode(plot.plotted({"loss": [3.0, 1.0]}))))[0, 0, :3].mean()

    assert corner() == 1.0
    loaded.run_cell("%config DLDebugMagics.theme = 'dark'")
    assert corner() < 0.2
    loaded.run_cell("%config DLDebugMagics.theme = 'auto'")
    assert corner() == 1.0


def test_status_lists_hooks_where_they_stand(loaded):
    def said():
        return repr(loaded.run_line_magic("dldebug", "status"))

    assert "No hook or handler is installed." in said()
    handle = torch.nn.modules.module.register_module_forward_hook(lambda *_: None)
    assert "No hook" in said()
    handle.remove()
    loaded.run_cell("%config DLDebugMagics.explain_errors = True")
    assert "IPython: showtraceback" in said() and "No hook" not in said()
    loaded.run_cell("%config DLDebugMagics.explain_errors = False")
    assert "No hook or handler is installed." in said()


def test_status_sees_a_watch_while_it_runs(loaded):
    from dldebug_magics.ask import Watch

    with Watch():
        inside = repr(loaded.run_line_magic("dldebug", "status"))
    assert "torch: " in inside
    assert "torch: " not in repr(loaded.run_line_magic("dldebug", "status"))


def test_a_copy_goes_to_the_device_with_all_that_belongs_to_it():
    net = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    subject = Subject(net, nn.CrossEntropyLoss(torch.ones(2)), optimizer, batch=(torch.ones(4, 3), torch.zeros(4)), device="meta")
    moved = on_device(copy_of(subject))
    state = next(iter(moved.optimizer.state.values()))
    there = [moved.model.weight, moved.loss_fn.weight, moved.batch[0], state["exp_avg"]]
    assert {t.device.type for t in there} == {"meta"}
    assert moved.optimizer.param_groups[0]["params"][0] is moved.model.weight
    assert net.weight.device.type == "cpu" and optimizer.state[net.weight]["exp_avg"].device.type == "cpu"


def test_a_device_that_is_not_here_is_one_line():
    with pytest.raises(UserMistake, match="no device `cuda:77` here") as mistake:
        known("cuda:77")
    assert "\n" not in str(mistake.value)
