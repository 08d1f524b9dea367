"""A run that stops above the floor of free outputs, at a minimum of its own: told from a rate too low, and never an excuse for a fault."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.ask import ask
from dldebug_magics.checks.small_data import classes
from dldebug_magics.engine.subject import Subject
from tests.healthy import make

torch.manual_seed(3)
TABLE = torch.randn(24, 12)


def diagnosed(subject):
    return list(ask("overfit_batch", subject))[-1]


def squeezed(rate=3e-2):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 4), nn.Linear(4, 12))
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=rate), TABLE)


def test_a_bottleneck_stops_where_the_singular_values_say():
    """Eckart and Young: the best that four numbers a row can hold leaves the other singular values."""
    left = torch.linalg.svdvals(TABLE - TABLE.mean(0))[4:].square().sum().item() / TABLE.numel()
    report = diagnosed(squeezed())
    assert report.experiment.final == pytest.approx(left, rel=0.05)
    assert report.ok and report.experiment.settled and not report.experiment.passed and not report.findings
    assert "as far as it goes" in report.sentence()


def test_the_same_program_at_a_rate_too_low_has_a_way_down():
    report = diagnosed(squeezed(rate=2e-5))
    assert not report.experiment.settled and not report.ok


def test_codes_of_length_one_stop_where_the_temperature_says():
    """Sixteen points as far from each other as can be: their cosines are -1/15."""
    report = diagnosed(make("contrastive", "Adam"))
    assert report.experiment.final == pytest.approx(math.log(1 + 15 * math.exp(-(1 + 1 / 15) / 0.5)), abs=0.02)
    assert report.ok and report.experiment.settled


@pytest.mark.parametrize("words", [2, 10])
def test_a_fault_that_has_a_cure_is_found_though_it_stands_at_a_minimum(words):
    points, labels = classes()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, words), nn.Softmax(dim=1))
    report = diagnosed(Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points, labels % words)))
    assert [f.name for f in report.findings] == ["softmax_before_cross_entropy"] and not report.ok


def test_what_stays_at_chance_has_not_learned_at_a_minimum_or_not():
    """Outputs that can't depend on the input."""
    points, labels = classes()

    class Blind(nn.Linear):
        def forward(self, x):
            return super().forward(0 * x)

    net = Blind(20, 10)
    report = diagnosed(
        Subject(net, lambda o, y: functional.cross_entropy(o, y), torch.optim.Adam(net.parameters(), lr=1e-1), (points, labels))
    )
    assert not report.ok and not report.experiment.settled
