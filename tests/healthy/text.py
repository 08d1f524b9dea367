"""Programs that read or write text: tags, alignments, translation, windows of letters."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import characters, loader, pictures
from .kind import healthy

IGNORED = -100


class _Tagger(nn.Module):
    """Reads both ways; padding is packed away, and has no tag."""

    def __init__(self, letters: int, width: int = 32):
        super().__init__()
        self.embedding = nn.Embedding(letters, width, padding_idx=0)
        self.memory, self.head = nn.LSTM(width, width, batch_first=True, bidirectional=True), nn.Linear(2 * width, 5)

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(codes), lengths, batch_first=True, enforce_sorted=False)
        hidden, _ = nn.utils.rnn.pad_packed_sequence(self.memory(packed)[0], batch_first=True, total_length=codes.shape[1])
        return self.head(hidden).mT


@healthy(sgd=1.0, adam=2e-2)
def tagger_with_padding() -> Subject:
    codes, _, letters = characters(length=8, count=8)
    lengths = 3 + torch.arange(8) % 6
    padding = torch.arange(8) >= lengths[:, None]
    tags = (codes % 5).roll(1, 1).masked_fill(padding, IGNORED)
    return Subject(_Tagger(letters + 1), nn.CrossEntropyLoss(), train=[((codes + 1).masked_fill(padding, 0), lengths, tags)])


class _Reader(nn.Module):
    """Reads the columns of a strip of pictures, and says a letter or nothing at each."""

    def __init__(self) -> None:
        super().__init__()
        self.memory, self.head = nn.GRU(8, 48, batch_first=True, bidirectional=True), nn.Linear(96, 11)

    def forward(self, columns: Tensor) -> Tensor:
        return self.head(self.memory(columns)[0]).log_softmax(-1).transpose(0, 1)


@healthy(sgd=0.03, adam=1e-2)
def alignment_free() -> Subject:
    """CTC: which column shows which digit is left open."""
    images, labels = pictures(16)
    strips = images[:, 0].reshape(8, 2, 8, 8).transpose(2, 3).reshape(8, 16, 8)
    loss = nn.CTCLoss(blank=10, zero_infinity=True)
    steps, wanted = torch.full((8,), 16), torch.full((8,), 2)
    return Subject(_Reader(), lambda output, y: loss(output, y, steps[: len(y)], wanted[: len(y)]), train=(strips, labels.reshape(8, 2)))


class _Translator(nn.Module):
    """The decoder is given the right letters so far: teacher forcing."""

    def __init__(self, letters: int, width: int = 48):
        super().__init__()
        self.embedding, self.head = nn.Embedding(letters, width), nn.Linear(width, letters)
        self.encoder, self.decoder = nn.GRU(width, width, batch_first=True), nn.GRU(width, width, batch_first=True)

    def forward(self, source: Tensor, so_far: Tensor) -> Tensor:
        _, state = self.encoder(self.embedding(source))
        return self.head(self.decoder(self.embedding(so_far), state)[0]).mT


@healthy(sgd=0.5, adam=1e-2)
def teacher_forcing() -> Subject:
    codes, _, letters = characters(length=6, count=8)
    turned = codes.flip(1)
    so_far = torch.cat([torch.full((8, 1), letters), turned[:, :-1]], dim=1)
    return Subject(_Translator(letters + 1), nn.CrossEntropyLoss(), train=loader(codes, so_far, turned, batch_size=8))


class _Windows(nn.Module):
    """Filters of three widths over the letters; the strongest answer of each counts."""

    def __init__(self, letters: int):
        super().__init__()
        self.embedding = nn.Embedding(letters, 16)
        self.filters, self.head = nn.ModuleList(nn.Conv1d(16, 32, width) for width in (2, 3, 4)), nn.Linear(96, 4)

    def forward(self, codes: Tensor) -> Tensor:
        x = self.embedding(codes).mT
        return self.head(functional.dropout(torch.cat([f(x).relu().amax(-1) for f in self.filters], 1), 0.2, self.training))


@healthy(sgd=0.1, adam=5e-3)
def character_windows() -> Subject:
    codes, wanted, letters = characters(length=10)
    return Subject(_Windows(letters), nn.CrossEntropyLoss(), train=loader(codes, wanted[:, -1] % 4))
