"""The digits read row by row: an LSTM, a GRU, and a transformer encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import data, scores
from ..kind import Activation, as_module, program, scaled
from ..program import Program, optimizer

Adam = torch.optim.Adam


class _Last(nn.Module):
    """The last state of an LSTM decides."""

    def __init__(self, hidden: int):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(8, hidden, batch_first=True), nn.Linear(hidden, 10)

    def forward(self, rows: Tensor) -> Tensor:
        states, _ = self.lstm(rows)
        return self.fc(states[:, -1])


@program
def lstm(width: float = 1.0) -> Program:
    net, rate = _Last(scaled(32, width)), optimizer(Adam, lr=1e-2)
    return Program("lstm", "classes", net, nn.CrossEntropyLoss(), data.rows(), rate, 10, scores.accuracy)


class _Mean(nn.Module):
    """The mean state of a GRU goes through a small head."""

    def __init__(self, hidden: int, activation: Activation):
        super().__init__()
        self.gru = nn.GRU(8, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, hidden), as_module(activation), nn.Linear(hidden, 10))

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.gru(rows)[0].mean(dim=1))


@program
def gru(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    net, rate = _Mean(scaled(32, width), activation), optimizer(torch.optim.AdamW, lr=1e-2)
    return Program("gru", "classes", net, nn.CrossEntropyLoss(), data.rows(), rate, 10, scores.accuracy)


class _Reader(nn.Module):
    """One encoder layer over eight rows, with learned positions."""

    def __init__(self, width: int):
        super().__init__()
        self.embed, self.positions = nn.Linear(8, width), nn.Parameter(0.1 * torch.randn(8, width))
        layer = nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.1, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), nn.Linear(width, 10)

    def forward(self, rows: Tensor) -> Tensor:
        encoded = self.encoder(self.embed(rows) + self.positions)
        return self.head(encoded.mean(dim=1))


@program
def transformer(width: float = 1.0) -> Program:
    net, rate = _Reader(2 * scaled(16, width)), optimizer(Adam, lr=3e-3)
    return Program("transformer", "classes", net, nn.CrossEntropyLoss(), data.rows(), rate, 8, scores.accuracy)
