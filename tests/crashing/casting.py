"""Numbers of the wrong kind, on the wrong device, or beyond a table."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from dldebug_magics.engine.subject import Subject

from .axes import ConvNet
from .crash import crash
from .program import images, labels, loader, subject


def _table(rows: int = 8, columns: int = 12) -> numpy.ndarray:
    return numpy.random.default_rng(0).normal(size=(rows, columns))


@crash("float64_input", "forward", RuntimeError, "mat1 and mat2 must have the same dtype, but got Double and Float")
def table_from_numpy(faulty: bool) -> Subject:
    rows = torch.from_numpy(_table())
    net = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))
    return subject(net, nn.CrossEntropyLoss(), loader(rows if faulty else rows.float(), labels(8, 3)), model="mlp")


class Photos(Dataset):
    """Reads arrays of bytes and scales them with numpy, which makes them float64."""

    def __init__(self, kind: type):
        self.bytes, self.kind = numpy.random.default_rng(1).integers(0, 256, (8, 16, 16, 3), dtype=numpy.uint8), kind

    def __len__(self) -> int:
        return len(self.bytes)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        scaled = (self.bytes[index].transpose(2, 0, 1) / 255.0).astype(self.kind)
        return torch.from_numpy(scaled), index % 10


@crash("float64_input", "forward", RuntimeError, "Input type (double) and bias type (float) should be the same")
def photos_scaled_by_numpy(faulty: bool) -> Subject:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))
    return subject(net, nn.CrossEntropyLoss(), DataLoader(Photos(numpy.float64 if faulty else numpy.float32), batch_size=4))


class Series(nn.Module):
    """A forecast of the next value by an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(2, 12, batch_first=True), nn.Linear(12, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


@crash("float64_input", "forward", ValueError, "RNN input dtype (torch.float64) does not match weight dtype (torch.float32)")
def windows_from_numpy(faulty: bool) -> Subject:
    windows = torch.tensor(_table(8, 20)).view(8, 10, 2)
    return subject(Series(), nn.MSELoss(), loader(windows if faulty else windows.to(torch.float32), torch.randn(8, 1)))


class TimeEncoded(nn.Module):
    """Adds sines made by numpy inside `forward`: the sum becomes float64."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.embedding, self.head, self.faulty = nn.Embedding(20, 8), nn.Linear(8, 3), faulty

    def forward(self, tokens: Tensor) -> Tensor:
        angles = numpy.outer(numpy.arange(tokens.shape[1]), 1 / 100 ** (numpy.arange(8) / 8))
        positions = torch.from_numpy(numpy.sin(angles))
        if not self.faulty:
            positions = positions.float()
        return self.head((self.embedding(tokens) + positions).mean(1))


@crash("float64_input", "forward", RuntimeError, "mat1 and mat2 must have the same dtype, but got Double and Float")
def positions_made_by_numpy(faulty: bool) -> Subject:
    return subject(TimeEncoded(faulty), nn.CrossEntropyLoss(), loader(torch.randint(0, 20, (8, 6)), labels(8, 3)))


def _bytes(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8)


@crash("uint8_input", "forward", RuntimeError, "expected scalar type Byte but found Float")
def pictures_left_as_bytes(faulty: bool) -> Subject:
    pictures = _bytes(8, 3, 16, 16)
    return subject(ConvNet(), nn.CrossEntropyLoss(), loader(pictures if faulty else pictures.float() / 255, labels()))


@crash("uint8_input", "forward", RuntimeError, "mat1 and mat2 must have the same dtype, but got Byte and Float")
def flat_pictures_left_as_bytes(faulty: bool) -> Subject:
    pictures = _bytes(8, 1, 8, 8)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 10))
    return subject(net, nn.CrossEntropyLoss(), loader(pictures if faulty else pictures / 255, labels()))


class PatchTransformer(nn.Module):
    """Patches of pictures as tokens, as in a vision transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, stride=4)
        self.norm, self.attention = nn.LayerNorm(16), nn.MultiheadAttention(16, 2, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        normed = self.norm(tokens)
        return self.head((tokens + self.attention(normed, normed, normed)[0]).mean(1))


@crash("uint8_input", "forward", RuntimeError, "Input type (unsigned char) and bias type (float) should be the same")
def patches_left_as_bytes(faulty: bool) -> Subject:
    pictures = _bytes(8, 3, 16, 16)
    return subject(PatchTransformer(), nn.CrossEntropyLoss(), loader(pictures if faulty else pictures.div(255.0), labels()), model="vit")


@crash("embedding_index_error", "forward", IndexError, "index out of range in self")
def vocabulary_without_padding(faulty: bool) -> Subject:
    """Thirty words, and the number 30 for the padding."""
    tokens = torch.randint(0, 30, (8, 9))
    tokens[:, -2:] = 30
    rnn = nn.RNN(8, 12, batch_first=True)

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.rnn, self.fc = nn.Embedding(30 if faulty else 31, 8), rnn, nn.Linear(12, 2)

        def forward(self, tokens: Tensor) -> Tensor:
            return self.fc(self.rnn(self.embedding(tokens))[1][-1])

    return subject(Classifier(), nn.CrossEntropyLoss(), loader(tokens, labels(8, 2)))


class Decoder(nn.Module):
    """A decoder of a transformer, with a table of places."""

    def __init__(self, places: int):
        super().__init__()
        self.tokens, self.places = nn.Embedding(20, 16), nn.Embedding(places, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.blocks, self.out = nn.TransformerEncoder(layer, 1), nn.Linear(16, 20)

    def forward(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        x = self.tokens(ids) + self.places(torch.arange(length))
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.out(self.blocks(x, mask=mask, is_causal=True)).transpose(1, 2)


@crash("embedding_index_error", "forward", IndexError, "index out of range in self")
def text_longer_than_the_table_of_places(faulty: bool) -> Subject:
    text = torch.randint(0, 20, (8, 13))
    return subject(Decoder(8 if faulty else 16), nn.CrossEntropyLoss(), loader(text[:, :-1], text[:, 1:]), model="gpt")


class Entities(nn.Module):
    """Columns of categories, each with its own table."""

    def __init__(self, sizes: tuple[int, ...]):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, 4) for size in sizes)
        self.out = nn.Linear(4 * len(sizes), 1)

    def forward(self, categories: Tensor) -> Tensor:
        return self.out(torch.cat([table(categories[:, i]) for i, table in enumerate(self.tables)], dim=1))


@crash("embedding_index_error", "forward", IndexError, "index out of range in self")
def categories_counted_from_one(faulty: bool) -> Subject:
    categories = torch.stack([torch.randint(1, size + 1, (8,)) for size in (3, 7, 5)], dim=1)
    categories[0] = torch.tensor([3, 7, 5])
    train = loader(categories if faulty else categories - 1, torch.randn(8, 1))
    return subject(Entities((3, 7, 5)), nn.MSELoss(), train)


@crash(
    "embedding_index_error",
    "forward",
    RuntimeError,
    "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int",
)
def word_numbers_as_floats(faulty: bool) -> Subject:
    words = torch.randint(0, 30, (8, 6)).float()
    net = nn.Sequential(nn.Embedding(30, 8), nn.Flatten(), nn.Linear(48, 2))
    return subject(net, nn.CrossEntropyLoss(), loader(words if faulty else words.long(), labels(8, 2)))


AWAY = torch.device("meta")


def _moved(model: nn.Module, loss_fn: Callable, *columns: Tensor, faulty_batch: bool = False) -> Subject:
    """Model, optimizer and batches on the other device; the batches stay behind if they are the fault."""
    model.to(AWAY)
    return subject(model, loss_fn, loader(*(column if faulty_batch else column.to(AWAY) for column in columns)))


@crash("device_mismatch", "forward", RuntimeError, "Tensor on device meta is not on the expected device cpu!", loop=True)
def batch_left_behind(faulty: bool) -> Subject:
    net = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))
    return _moved(net, nn.CrossEntropyLoss(), torch.randn(8, 12), labels(8, 3), faulty_batch=faulty)


class Listed(nn.Module):
    """Its layers in a list: a plain one is not moved with the model, a ModuleList is."""

    def __init__(self, faulty: bool):
        super().__init__()
        layers = [nn.Linear(16, 16), nn.Linear(16, 16)]
        self.first, self.last = nn.Linear(12, 16), nn.Linear(16, 3)
        self.layers = layers if faulty else nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x))
        for layer in self.layers:
            x = x + torch.relu(layer(x))
        return self.last(x)


@crash("device_mismatch", "forward", RuntimeError, "Tensor on device cpu is not on the expected device meta!")
def layers_in_a_plain_list(faulty: bool) -> Subject:
    return _moved(Listed(faulty), nn.CrossEntropyLoss(), torch.randn(8, 12), labels(8, 3))


class Sinusoidal(nn.Module):
    """An encoder with fixed positions: a plain attribute is not moved with the model, a buffer is."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.lift, self.encoder = nn.Linear(5, 16), nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.head = nn.Linear(16, 3)
        places = torch.arange(50)[:, None] * torch.exp(-torch.arange(8) * math.log(1e4) / 8)
        table = torch.cat([places.sin(), places.cos()], dim=1)
        if faulty:
            self.table = table
        else:
            self.register_buffer("table", table)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lift(x) + self.table[: x.size(1)]
        return self.head(self.encoder(x).mean(1))


@crash("device_mismatch", "forward", RuntimeError, "Tensor on device cpu is not on the expected device meta!")
def positions_that_are_no_buffer(faulty: bool) -> Subject:
    return _moved(Sinusoidal(faulty), nn.CrossEntropyLoss(), torch.randn(8, 7, 5), labels(8, 3))


@crash("device_mismatch", "loss", RuntimeError, "Tensor on device cpu is not on the expected device meta!")
def class_weights_left_behind(faulty: bool) -> Subject:
    weight = torch.tensor([1.0, 2.0, 0.5], device="cpu" if faulty else AWAY)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    return _moved(net, nn.CrossEntropyLoss(weight=weight), images(), labels(8, 3))


class FirstState(nn.Module):
    """Makes its first states in `forward`."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.lstm, self.head, self.faulty = nn.LSTM(5, 12, batch_first=True), nn.Linear(12, 3), faulty

    def forward(self, x: Tensor) -> Tensor:
        device = "cpu" if self.faulty else x.device
        h0, c0 = torch.zeros(1, len(x), 12, device=device), torch.zeros(1, len(x), 12, device=device)
        return self.head(self.lstm(x, (h0, c0))[0][:, -1])


@crash("device_mismatch", "forward", RuntimeError, "Input and hidden tensors are not at the same device")
def first_state_left_behind(faulty: bool) -> Subject:
    return _moved(FirstState(faulty), nn.CrossEntropyLoss(), torch.randn(8, 7, 5), labels(8, 3))


@crash("disk_dtype_mismatch", "silent")
def doubles_read_as_floats(faulty: bool) -> Subject:
    """A file of float64, read as float32: twice as many numbers, half of them absurd."""
    stored = _table(8, 12).tobytes()
    rows = numpy.frombuffer(stored, dtype=numpy.float32 if faulty else numpy.float64).astype(numpy.float32)
    rows = torch.from_numpy(rows[: 8 * 12].reshape(8, 12).copy())
    net = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))
    return subject(net, nn.CrossEntropyLoss(), loader(rows, labels(8, 3)))


@crash("disk_dtype_mismatch", "silent")
def bytes_in_the_other_order(faulty: bool) -> Subject:
    """Big-endian numbers, as instruments store them, read as little-endian ones."""
    stored = _table(8, 20).astype(">f4").tobytes()
    windows = numpy.frombuffer(stored, dtype="<f4" if faulty else ">f4").astype(numpy.float32)
    return subject(Series(), nn.MSELoss(), loader(torch.from_numpy(windows.reshape(8, 10, 2).copy()), torch.randn(8, 1)))


class Motion(nn.Module):
    """Looks at the difference of two frames: of bytes it wraps, 10 - 20 = 246."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
        self.faulty = faulty

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        change = (after - before).float() if self.faulty else after.float() - before.float()
        return self.net(change / 255)


@crash("int_overflow_preprocess", "silent")
def difference_of_bytes(faulty: bool) -> Subject:
    before = torch.randint(90, 110, (8, 1, 16, 16), dtype=torch.uint8)
    after = (before.int() + torch.randint(-10, 11, before.shape)).to(torch.uint8)
    return subject(Motion(faulty), nn.CrossEntropyLoss(), loader(before, after, labels(8, 2)))


class Brightened(Dataset):
    """Makes dark pictures brighter before they are scaled: bytes wrap where numpy is not told to use floats."""

    def __init__(self, faulty: bool):
        self.bytes, self.faulty = numpy.random.default_rng(2).integers(0, 256, (8, 1, 16, 16), dtype=numpy.uint8), faulty

    def __len__(self) -> int:
        return len(self.bytes)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = self.bytes[index] + numpy.uint8(60) if self.faulty else numpy.minimum(self.bytes[index].astype(numpy.float32) + 60, 255)
        return torch.from_numpy(picture.astype(numpy.float32) / 255), index % 10


@crash("int_overflow_preprocess", "silent")
def brightness_of_bytes(faulty: bool) -> Subject:
    return subject(ConvNet(1), F.cross_entropy, DataLoader(Brightened(faulty), batch_size=4), loss_fn="F.cross_entropy")
