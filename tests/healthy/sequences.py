"""Recurrent and attention programs: the digits read row by row."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dldebug_magics.engine.subject import Subject

from .data import loader, pictures
from .kind import healthy


class _Recurrent(nn.Module):
    """Reads eight rows of a picture; the last state decides."""

    def __init__(self, kind: type[nn.RNNBase], width: int = 32):
        super().__init__()
        self.memory, self.head = kind(8, width, batch_first=True), nn.Linear(width, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.memory(rows)[0][:, -1])


def _rows() -> tuple[Tensor, Tensor]:
    images, labels = pictures()
    return images[:, 0], labels


@healthy(sgd=0.5, adam=1e-2)
def lstm() -> Subject:
    return Subject(_Recurrent(nn.LSTM), nn.CrossEntropyLoss(), train=loader(*_rows()))


@healthy(sgd=0.2, adam=1e-2)
def gru() -> Subject:
    return Subject(_Recurrent(nn.GRU), nn.CrossEntropyLoss(), train=loader(*_rows()))


class _Transformer(nn.Module):
    """One encoder layer with dropout over eight rows, with learned positions."""

    def __init__(self) -> None:
        super().__init__()
        self.lift, self.places = nn.Linear(8, 32), nn.Parameter(torch.randn(8, 32) * 0.1)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 1), nn.Linear(32 * 8, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.encoder(self.lift(rows) + self.places).flatten(1))


@healthy(sgd=0.03, adam=3e-3, rmsprop=5e-4)
def transformer_with_dropout() -> Subject:
    return Subject(_Transformer(), nn.CrossEntropyLoss(), train=loader(*_rows()))
