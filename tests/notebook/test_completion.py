"""What Tab offers, asked of the shell as a front end asks it."""

from __future__ import annotations

import pytest
from IPython.core import completer
from IPython.core.completer import provisionalcompleter

SET_UP = """
import torch
from torch import nn
from torch.utils.data import DataLoader
network = nn.Linear(3, 2)
nearest_loss = nn.MSELoss()
now = torch.optim.SGD(network.parameters(), lr=0.1)
nursery_dl = DataLoader([1, 2])
number = 3
encoder = nn.TransformerEncoderLayer(4, 2, 8)
network.encoder = nn.Module()
network.encoder.layers, network.encoder.last, network.head = nn.ModuleList([encoder, nn.ReLU()]), nn.ReLU(), nn.Linear(1, 1)
del encoder
"""


@pytest.fixture
def tab(run, pretended):
    if not hasattr(completer, "context_matcher"):
        run.shell.Completer.use_jedi = False  # old IPython mixes what jedi finds in with a hook's answer, and offers no way not to
    run("%reload_ext dldebug")
    run(SET_UP)

    def offered(line):
        with provisionalcompleter():
            found = list(run.shell.Completer.completions(line, len(line)))
        return sorted({completion.text for completion in found})

    offered.shell = run.shell
    return offered


def test_options_after_two_dashes_and_nothing_else(tab):
    assert tab("%overfit_batch network --st") == ["--step", "--steps"]
    assert set(tab("r = %overfit_batch --")) >= {"--steps", "--no-plot", "--budget", "--quiet", "--val"}
    assert all(word.startswith("--") for word in tab("%overfit_batch --"))
    assert tab("%subject --cl") == ["--clear"]


def test_names_of_models_losses_optimizers_and_loaders(tab):
    assert tab("%overfit_batch n") == ["nearest_loss", "network", "now", "nursery_dl"]
    assert tab("%overfit_batch network n") == ["nearest_loss", "network", "now", "nursery_dl"]
    assert tab("report = %overfit_batch netw") == ["network"]
    assert tab("%subject --loss n") == ["nearest_loss"]
    assert tab("%overfit_batch --quiet nu") == ["nursery_dl"]


def test_after_an_option_what_it_can_take(tab):
    assert tab("%overfit_batch --optimizer n") == ["now"]
    assert tab("%overfit_batch --val n") == ["nursery_dl"]


def test_attributes_are_left_to_ipython(tab):
    assert any("in_features" in word for word in tab("%overfit_batch network.in_f"))


def test_paths_of_modules_level_by_level_and_no_attributes(run, shell, tab, monkeypatch):
    from dldebug_magics import ask
    from dldebug_magics.observations.shape_trace import ShapeTrace

    monkeypatch.setattr(ask, "experiment", lambda name: ShapeTrace)  # under the name that the pretended one has
    assert tab("%overfit_batch network --at encoder.la") == ["encoder.last", "encoder.layers"]
    assert tab("r = %overfit_batch network --at=encoder.layers.") == ["encoder.layers.0", "encoder.layers.1"]
    assert tab("%overfit_batch network --at encoder.layers.0.li") == ["encoder.layers.0.linear1", "encoder.layers.0.linear2"]
    assert tab("%overfit_batch --at he") == ["head"]
    run("other = nn.Sequential(nn.Linear(1, 1))")
    assert "head" not in tab("%overfit_batch --at he") and tab("%overfit_batch --model network --at he") == ["head"]
    run("%subject network")
    assert tab("%overfit_batch --at he") == ["head"] and tab("%overfit_batch other --at 0") == ["0"]
    assert any("in_features" in word for word in tab("%overfit_batch --at head network.in_f"))


def test_names_of_checks(tab):
    assert "lr_too_high" in tab("%explain lr_")


def test_other_lines_are_left_alone(tab):
    assert "number" in tab("numb") and tab("%timeit --st") != ["--step", "--steps"]
    assert "network" in tab("print(netw")
