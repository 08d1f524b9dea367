"""Layers that expect another number of features than they are given."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dldebug_magics.engine.subject import Subject

from .crash import crash
from .program import images, labels, loader, subject

MULTIPLIED = "mat1 and mat2 shapes cannot be multiplied"


class LeNet(nn.Module):
    """LeNet as in the tutorials: 16*5*5 holds for pictures of 32x32 only."""

    def __init__(self, flat: int):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(flat, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


@crash("linear_in_features_mismatch", "forward", RuntimeError, f"{MULTIPLIED} (4x256 and 400x120)")
def lenet_on_28_pixels(faulty: bool) -> Subject:
    return subject(LeNet(400 if faulty else 256), nn.CrossEntropyLoss(), loader(images(8, 1, 28), labels()))


class ChurnNet(nn.Module):
    """A dense net for a table; the middle layer was made smaller and the next one forgotten."""

    def __init__(self, hidden: int, expected: int):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(20, 64), nn.Linear(64, hidden), nn.Linear(expected, 16)])
        self.out = nn.Linear(16, 2)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = self.drop(F.relu(layer(x)))
        return self.out(x)


@crash("linear_in_features_mismatch", "forward", RuntimeError, f"{MULTIPLIED} (4x32 and 64x16)")
def dense_layers_that_do_not_meet(faulty: bool) -> Subject:
    net = ChurnNet(32, 64 if faulty else 32)
    return subject(net, nn.CrossEntropyLoss(), loader(torch.randn(8, 20), labels(8, 2)), model="churn_net")


class Sentiment(nn.Module):
    """Embedding, bidirectional LSTM, and a head on both directions."""

    def __init__(self, head: int):
        super().__init__()
        self.embedding = nn.Embedding(50, 12)
        self.lstm = nn.LSTM(12, 16, batch_first=True, bidirectional=True)
        self.head = nn.Linear(head, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        outputs, _ = self.lstm(self.embedding(tokens))
        return self.head(outputs[:, -1])


@crash("linear_in_features_mismatch", "forward", RuntimeError, f"{MULTIPLIED} (4x32 and 16x2)")
def head_forgets_the_second_direction(faulty: bool) -> Subject:
    net = Sentiment(16 if faulty else 32)
    return subject(net, nn.CrossEntropyLoss(), loader(torch.randint(0, 50, (8, 7)), labels(8, 2)))


class Forecaster(nn.Module):
    """A GRU over sensor readings."""

    def __init__(self, sensors: int):
        super().__init__()
        self.rnn = nn.GRU(sensors, 16, num_layers=2, batch_first=True)
        self.head = nn.Linear(16, 1)

    def forward(self, readings: Tensor) -> Tensor:
        _, last = self.rnn(readings)
        return self.head(last[-1])


@crash(
    "linear_in_features_mismatch",
    "forward",
    RuntimeError,
    "input.size(-1) must be equal to input_size. Expected 6, got 8",
    accept={"tensor_shape_mismatch": "a recurrent layer is no Linear, though the rule is the same"},
)
def recurrent_layer_for_fewer_sensors(faulty: bool) -> Subject:
    net = Forecaster(6 if faulty else 8)
    return subject(net, nn.MSELoss(), loader(torch.randn(8, 12, 8), torch.randn(8, 1)))


class TwoTowers(nn.Module):
    """A picture and a table, joined in front of the head."""

    def __init__(self, joined: int):
        super().__init__()
        self.picture = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.table = nn.Sequential(nn.Linear(5, 8), nn.ReLU())
        self.head = nn.Linear(joined, 3)

    def forward(self, picture: Tensor, table: Tensor) -> Tensor:
        return self.head(torch.cat([self.picture(picture), self.table(table)], dim=1))


@crash("linear_in_features_mismatch", "forward", RuntimeError, f"{MULTIPLIED} (4x16 and 8x3)")
def head_of_one_tower_for_two(faulty: bool) -> Subject:
    net = TwoTowers(8 if faulty else 16)
    return subject(net, nn.CrossEntropyLoss(), loader(images(), torch.randn(8, 5), labels(8, 3)))


class Digits(nn.Module):
    """Two convolutions and a head; `forward` has lost the line between them."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU())
        self.classifier = nn.Linear(16 * 4 * 4, 10)
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        if not self.faulty:
            x = x.flatten(1)
        return self.classifier(x)


@crash("missing_flatten", "forward", RuntimeError, f"{MULTIPLIED} (256x4 and 256x10)")
def conv_net_without_flatten(faulty: bool) -> Subject:
    return subject(Digits(faulty), nn.CrossEntropyLoss(), loader(images(8, 1, 14), labels()))


@crash("missing_flatten", "forward", RuntimeError, f"{MULTIPLIED} (112x28 and 784x64)")
def dense_net_on_pictures(faulty: bool) -> Subject:
    layers: list[nn.Module] = [nn.Linear(28 * 28, 64), nn.ReLU(), nn.Linear(64, 10)]
    net = nn.Sequential(*layers) if faulty else nn.Sequential(nn.Flatten(), *layers)
    return subject(net, nn.CrossEntropyLoss(), loader(images(8, 1, 28), labels()), model="mlp")


class SmallResNet(nn.Module):
    """One residual block, global pooling, and a head."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.conv = nn.Conv2d(16, 16, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(16, 10)
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.stem(x)))
        x = F.relu(x + self.conv(x))
        x = self.pool(x)
        return self.fc(x if self.faulty else torch.flatten(x, 1))


@crash(
    "missing_flatten",
    "forward",
    RuntimeError,
    f"{MULTIPLIED} (64x1 and 16x10)",
    accept={"extra_singleton_dim": "dropping the two axes of size 1 is the same as flattening"},
)
def pooled_maps_without_flatten(faulty: bool) -> Subject:
    return subject(SmallResNet(faulty), nn.CrossEntropyLoss(), loader(images(), labels()), model="resnet")


class FlatAttention(nn.Module):
    """An encoder layer over 8 rows, then a head on all of them at once."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.lift = nn.Linear(8, 16)
        self.encoder = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.head = nn.Linear(8 * 16, 10)
        self.faulty = faulty

    def forward(self, rows: Tensor) -> Tensor:
        rows = self.encoder(self.lift(rows))
        return self.head(rows if self.faulty else rows.reshape(len(rows), -1))


@crash("missing_flatten", "forward", RuntimeError, f"{MULTIPLIED} (32x16 and 128x10)")
def encoder_without_flatten(faulty: bool) -> Subject:
    return subject(FlatAttention(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 8, 8), labels()))
