"""Shapes that are wrong and raise nothing: found where the program itself shows what its axes are, and nowhere else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.engine.evidence import Confidence, Severity
from dldebug_magics.engine.subject import Subject


class Rows(nn.Module):
    """A recurrent layer over whatever it is given."""

    def __init__(self, time: bool = False):
        super().__init__()
        self.memory, self.head, self.time = nn.GRU(6, 8, batch_first=True), nn.Linear(8, 3), time

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.memory(x[:, None])[0][:, -1] if self.time else self.memory(x)[0])


def _loader(*columns: Tensor, **options) -> DataLoader:
    return DataLoader(TensorDataset(*columns), batch_size=8, **{"shuffle": True, **options})


def _table(**options) -> DataLoader:
    return _loader(torch.randn(24, 6), torch.arange(24) % 3, **options)


def _maps(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, channels, 3, padding=1))


PICTURES = torch.rand(24, 12, 12)
FAULTY = {
    "missing_channel_dim": lambda: Subject(_maps(8), nn.MSELoss(), None, _loader(PICTURES, PICTURES)),
    "missing_batch_dim": lambda: Subject(Rows(), nn.CrossEntropyLoss(), None, _table()),
}
RIGHT = {
    "pictures with a channel": lambda: Subject(_maps(1), nn.MSELoss(), None, _loader(PICTURES[:, None], PICTURES[:, None])),
    "rows as sequences of one step": lambda: Subject(Rows(time=True), nn.CrossEntropyLoss(), None, _table()),
    "a batch of one picture": lambda: Subject(
        _maps(1), nn.MSELoss(), None, DataLoader(TensorDataset(PICTURES, PICTURES), batch_size=1, shuffle=True)
    ),
    "one sample on purpose": lambda: Subject(_maps(8), nn.MSELoss(), None, [(PICTURES[:8], PICTURES[:8])]),
    "a loader that hands out a text in order": lambda: Subject(Rows(), nn.CrossEntropyLoss(), None, _table(shuffle=False)),
    "samples as they are": lambda: Subject(
        _maps(8), nn.MSELoss(), None, DataLoader(TensorDataset(torch.rand(4, 8, 12, 12), torch.rand(4, 8, 12, 12)), None, shuffle=True)
    ),
}


def _series(steps: int = 16) -> Tensor:
    """Sensors of different levels that move slowly: 24 x steps x 16."""
    level, pace, phase = torch.randn(24, 1, 16), 0.5 + torch.rand(24, 1, 16), 6 * torch.rand(24, 1, 16)
    return level + torch.sin(torch.linspace(0, 3, steps)[None, :, None] * pace + phase)


def _convolved(series: Tensor) -> Subject:
    net = nn.Sequential(nn.Conv1d(16, 8, 3), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(8, 3))
    return Subject(net, nn.CrossEntropyLoss(), None, (series, torch.arange(24) % 3))


def test_series_of_as_many_steps_as_channels_are_told_by_their_neighbours():
    torch.manual_seed(0)
    report = list(ask("shape_trace", _convolved(_series())))[-1]
    assert [(f.name, f.confidence) for f in report.alarms] == [("channels_last_input", Confidence.LIKELY)]
    for right in (_series().transpose(1, 2), torch.randn(24, 16, 16), _series().cumsum(2)):
        assert not list(ask("shape_trace", _convolved(right)))[-1].alarms


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("cause", FAULTY)
def test_samples_that_a_layer_took_for_one_are_found(cause):
    report = list(ask("shape_trace", FAULTY[cause]()))[-1]
    assert [f.name for f in report.findings][:1] == [cause]
    assert report.findings[0].confidence is Confidence.PROVEN
    assert report.experiment.passed and not report.ok and report.untouched
    assert report.tried and report.tried[0].runs, report.tried


@pytest.mark.parametrize("program", RIGHT)
def test_programs_that_look_the_same_are_left_alone(program):
    report = list(ask("shape_trace", RIGHT[program]()))[-1]
    assert [f.name for f in report.alarms] == []


class Mixed(nn.Module):
    """A convolution, and a linear layer for its channels, of which there are as many as steps."""

    def __init__(self, moves: bool):
        super().__init__()
        self.conv, self.mix, self.head, self.moves = nn.Conv1d(4, 12, 3, padding=1), nn.Linear(12, 12), nn.Linear(12, 3), moves

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).relu()
        x = self.mix(x.transpose(1, 2)).transpose(1, 2) if self.moves else self.mix(x)
        return self.head(x.amax(2))


def test_a_linear_layer_over_as_many_steps_as_channels_is_advice_and_no_alarm():
    def report(moves: bool, steps: int = 12):
        data = torch.randn(8, 4, steps), torch.arange(8) % 3
        return list(ask("shape_trace", Subject(Mixed(moves), nn.CrossEntropyLoss(), None, data)))[-1]

    seen = report(moves=False)
    assert [f.name for f in seen.findings] == ["linear_in_features_mismatch"]
    assert seen.findings[0].severity is Severity.NOTE and seen.ok
    assert not report(moves=True).findings and not report(moves=True, steps=9).findings
