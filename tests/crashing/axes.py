"""Inputs and reductions with an axis too many, too few, or in the wrong place."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dldebug_magics.engine.subject import Subject

from .crash import crash
from .program import images, labels, loader, subject


class ConvNet(nn.Module):
    """A small net for coloured pictures of any size."""

    def __init__(self, channels: int = 3, classes: int = 10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc = nn.Linear(16, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.conv2(x))
        return self.fc(x.mean(dim=(2, 3)))


@crash("channels_last_input", "forward", RuntimeError, "expected input[4, 16, 16, 3] to have 3 channels, but got 16 channels instead")
def pictures_as_numpy_holds_them(faulty: bool) -> Subject:
    pictures = images()
    return subject(ConvNet(), nn.CrossEntropyLoss(), loader(pictures.permute(0, 2, 3, 1) if faulty else pictures, labels()))


@crash("channels_last_input", "forward", RuntimeError, "expected input[4, 24, 6] to have 6 channels, but got 24 channels instead")
def time_series_with_channels_last(faulty: bool) -> Subject:
    net = nn.Sequential(
        nn.Conv1d(6, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 16, 3), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten()
    )
    net.append(nn.Linear(16, 4))
    readings = torch.randn(8, 24, 6)
    return subject(net, nn.CrossEntropyLoss(), loader(readings if faulty else readings.transpose(1, 2), labels(8, 4)), model="tcn")


class DepthwiseMask(nn.Module):
    """A depthwise-separable stack that gives a mask for every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(3, 3, 3, padding=1, groups=3)
        self.pointwise = nn.Conv2d(3, 8, 1)
        self.mask = nn.Conv2d(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mask(F.silu(self.pointwise(self.depthwise(x))))


@crash("channels_last_input", "forward", RuntimeError, "expected input[4, 12, 12, 3] to have 3 channels, but got 12 channels instead")
def masks_from_pictures_with_channels_last(faulty: bool) -> Subject:
    pictures = images(8, 3, 12)
    masks = (pictures.mean(1, keepdim=True) > 0.5).float()
    train = loader(pictures.permute(0, 2, 3, 1).contiguous() if faulty else pictures, masks)
    return subject(DepthwiseMask(), nn.BCEWithLogitsLoss(), train, loss_fn="loss_fn")


@crash("missing_batch_dim", "forward", ValueError, "expected 4D input (got 3D input)")
def one_picture_of_the_dataset(faulty: bool) -> Subject:
    picture, label = images(1)[0], torch.tensor(3)
    train = [(picture, label)] if faulty else [(picture.unsqueeze(0), label.unsqueeze(0))]
    return subject(ConvNet(), nn.CrossEntropyLoss(), train, train="samples")


class PlainConvNet(nn.Module):
    """A net without normalisation: its convolutions take a single picture without a word."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.conv2 = nn.Conv2d(4, 8, 3)
        self.fc = nn.Linear(8 * 5 * 5, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.relu(self.conv2(x))
        return self.fc(torch.flatten(x, 1))


@crash("missing_batch_dim", "forward", RuntimeError, "mat1 and mat2 shapes cannot be multiplied (8x25 and 200x10)")
def one_picture_through_plain_convolutions(faulty: bool) -> Subject:
    picture, label = images(1, 1)[0], torch.tensor([7])
    return subject(PlainConvNet(), nn.CrossEntropyLoss(), [(picture if faulty else picture[None], label)])


class LastState(nn.Module):
    """An LSTM whose last output decides."""

    def __init__(self, features: int):
        super().__init__()
        self.lstm = nn.LSTM(features, 12, batch_first=True)
        self.fc = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        outputs, _ = self.lstm(x)
        return self.fc(outputs[:, -1, :])


@crash("missing_batch_dim", "forward", IndexError, "too many indices for tensor of dimension 2")
def one_sequence_into_an_lstm(faulty: bool) -> Subject:
    sequence, label = torch.randn(9, 5), torch.tensor([1])
    return subject(LastState(5), nn.CrossEntropyLoss(), [(sequence if faulty else sequence.unsqueeze(0), label)], model="lstm")


@crash("missing_channel_dim", "forward", RuntimeError, "expected input[1, 4, 16, 16] to have 1 channels, but got 4 channels instead")
def grey_pictures_without_channel(faulty: bool) -> Subject:
    pictures = images(8, 1)
    return subject(PlainConvNet(), nn.CrossEntropyLoss(), loader(pictures.squeeze(1) if faulty else pictures, labels()))


@crash("missing_channel_dim", "forward", RuntimeError, "expected input[1, 4, 40] to have 1 channels, but got 4 channels instead")
def signals_without_channel(faulty: bool) -> Subject:
    signals = torch.randn(8, 40)
    net = nn.Sequential(nn.Conv1d(1, 8, 7, stride=2), nn.BatchNorm1d(8), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 2))
    return subject(net, nn.CrossEntropyLoss(), loader(signals if faulty else signals.unsqueeze(1), labels(8, 2)))


@crash("missing_channel_dim", "forward", RuntimeError, "input.size(-1) must be equal to input_size. Expected 1, got 9")
def single_valued_series_into_an_lstm(faulty: bool) -> Subject:
    prices = torch.randn(8, 9)
    return subject(LastState(1), nn.CrossEntropyLoss(), loader(prices if faulty else prices.unsqueeze(-1), labels(8, 3)))


@crash("extra_singleton_dim", "forward", RuntimeError, "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size")
def pictures_batched_twice(faulty: bool) -> Subject:
    pictures = images()
    return subject(ConvNet(), nn.CrossEntropyLoss(), loader(pictures.unsqueeze(1) if faulty else pictures, labels()))


class Discriminator(nn.Module):
    """A DCGAN-like critic: its last convolution leaves one number a picture."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, 8, 4, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, stride=2, padding=1), nn.LeakyReLU(0.2)
        )
        self.last = nn.Conv2d(16, 1, 4)
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        score = self.last(self.main(x))
        return score if self.faulty else score.view(-1)


@crash("extra_singleton_dim", "loss", ValueError, "Target size (torch.Size([4])) must be the same as input size (torch.Size([4, 1, 1, 1]))")
def critic_that_keeps_its_axes(faulty: bool) -> Subject:
    return subject(Discriminator(faulty), nn.BCEWithLogitsLoss(), loader(images(8, 1), labels(8, 2).float()), model="discriminator")


class Logistic(nn.Module):
    """Logistic regression; the column of its output was to be squeezed."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.linear = nn.Linear(10, 1)
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        p = torch.sigmoid(self.linear(x))
        return p if self.faulty else p.squeeze(1)


@crash("extra_singleton_dim", "loss", ValueError, "Using a target size (torch.Size([4])) that is different to the input size")
def probability_in_a_column(faulty: bool) -> Subject:
    return subject(Logistic(faulty), nn.BCELoss(), loader(torch.randn(8, 10), labels(8, 2).float()))


@crash("extra_singleton_dim", "forward", ValueError, "LSTM: Expected input to be 2D or 3D, got 4D instead")
def sequences_with_an_empty_axis(faulty: bool) -> Subject:
    frames = torch.randn(8, 1, 9, 5)
    return subject(LastState(5), nn.CrossEntropyLoss(), loader(frames if faulty else frames.squeeze(1), labels(8, 3)))


class MeanOfWords(nn.Module):
    """Averages the vectors of a sentence."""

    def __init__(self, axis: int):
        super().__init__()
        self.words, self.head, self.axis = nn.Embedding(40, 16), nn.Linear(16, 3), axis

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.words(tokens).mean(dim=self.axis))


@crash("reduction_wrong_dim", "loss", ValueError, "Expected input batch_size (6) to match target batch_size (4).")
def mean_over_the_batch(faulty: bool) -> Subject:
    return subject(MeanOfWords(0 if faulty else 1), nn.CrossEntropyLoss(), loader(torch.randint(0, 40, (8, 6)), labels(8, 3)))


class Pooled(nn.Module):
    """Global average pooling by hand."""

    def __init__(self, axes: tuple[int, int]):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3, stride=2), nn.ReLU())
        self.head, self.axes = nn.Linear(32, 10), axes

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean(self.axes))


@crash(
    "reduction_wrong_dim",
    "forward",
    RuntimeError,
    "mat1 and mat2 shapes cannot be multiplied (4x6 and 32x10)",
    accept={"linear_in_features_mismatch": "a Linear of 6 features runs as well, though it reads columns of pixels"},
)
def pooling_over_channels(faulty: bool) -> Subject:
    return subject(Pooled((1, 2) if faulty else (2, 3)), nn.CrossEntropyLoss(), loader(images(), labels()))


class AttentionPool(nn.Module):
    """A weighted mean over time steps, with learned weights."""

    def __init__(self, axis: int):
        super().__init__()
        self.gru, self.score, self.head = nn.GRU(5, 16, batch_first=True), nn.Linear(16, 1), nn.Linear(16, 3)
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.gru(x)
        weights = torch.softmax(self.score(states).squeeze(-1), dim=self.axis)
        return self.head((weights.unsqueeze(-1) * states).sum(1))


@crash("reduction_wrong_dim", "forward", IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 2)")
def softmax_over_an_axis_that_is_not_there(faulty: bool) -> Subject:
    return subject(AttentionPool(2 if faulty else 1), nn.CrossEntropyLoss(), loader(torch.randn(8, 7, 5), labels(8, 3)))
