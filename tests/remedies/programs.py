"""Five small programs that between them use what remedies must cope with: rows, pictures, tokens, forward by hand, functional dropout."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.engine.batch import draw
from dldebug_magics.engine.subject import Subject

_SPLITS = ("train", "train_val", "val", "test_val", "test")


def program(model, inputs, optimizer=torch.optim.Adam, rate=1e-2, **settings) -> Subject:
    """A classifier of three classes; `inputs` makes so many samples."""
    loaders = {}
    for role, count in zip(_SPLITS, (96, 48, 48, 48, 48), strict=True):
        generator = torch.Generator().manual_seed(len(role) + count)
        x, y = inputs(count, generator), torch.randint(0, 3, (count,), generator=generator)
        loaders[role] = DataLoader(TensorDataset(x, y), 16, shuffle=role == "train", generator=torch.Generator().manual_seed(1))
    made = Subject(model, nn.CrossEntropyLoss(), optimizer(model.parameters(), lr=rate, **settings), **loaders)
    return Subject(**{**vars(made), "batch": draw(made)})


def rows(count, generator):
    return torch.cat([torch.randn(count, 5, generator=generator), torch.randint(0, 2, (count, 1), generator=generator).float()], 1)


def pictures(channels):
    return lambda count, generator: torch.randn(count, channels, 8, 8, generator=generator)


def tokens(count, generator):
    return torch.randint(0, 20, (count, 6), generator=generator)


def mlp() -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 3))
    return program(net, rows, torch.optim.SGD, 0.1, momentum=0.9, weight_decay=1e-3)


def conv(normed=True) -> Subject:
    torch.manual_seed(0)
    norm = (lambda width: [nn.BatchNorm2d(width)]) if normed else lambda width: []
    net = nn.Sequential(nn.Conv2d(3, 4, 3), *norm(4), nn.ReLU(), nn.Conv2d(4, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
    return program(net, pictures(3))


def conv_without_norm() -> Subject:
    return conv(normed=False)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.codes = nn.Embedding(20, 8)
        self.places = nn.Parameter(torch.zeros(6, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.encoder(self.codes(x) + self.places).mean(1))


def transformer() -> Subject:
    torch.manual_seed(0)
    return program(Reader(), tokens, torch.optim.AdamW, 1e-3)


class ByHand(nn.Module):
    """Its own weights in part, and a forward that knows widths."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4 * 16, 10)
        self.scale, self.out = nn.Parameter(torch.ones(10)), nn.Linear(10, 3)

    def forward(self, x):
        x = functional.max_pool2d(functional.gelu(self.first(x)), 2).view(-1, 64)
        return self.out(functional.relu(self.second(x)) * self.scale)


def by_hand() -> Subject:
    torch.manual_seed(0)
    return program(ByHand(), pictures(1))


class Dropping(nn.Module):
    def __init__(self):
        super().__init__()
        self.codes, self.memory, self.head = nn.Embedding(20, 8), nn.GRU(8, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        found, _ = self.memory(functional.dropout(self.codes(x), 0.3, self.training))
        return self.head(functional.dropout(found[:, -1], p=0.5, training=self.training))


def functional_dropout() -> Subject:
    torch.manual_seed(0)
    return program(Dropping(), tokens, torch.optim.RMSprop, 1e-3)


PROGRAMS = (mlp, conv, conv_without_norm, transformer, by_hand, functional_dropout)
