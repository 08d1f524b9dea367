"""Tensors that do not fit together, pictures that become too small, and views of what lies elsewhere in memory."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dldebug_magics.engine.subject import Subject

from .crash import crash
from .program import images, labels, loader, subject


def _twice(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU())


class UNet(nn.Module):
    """Two levels down, two up; whoever does not fit the skip to the way up needs sides that 4 divides."""

    def __init__(self, fits: bool):
        super().__init__()
        self.down1, self.down2, self.bottom = _twice(1, 4), _twice(4, 8), _twice(8, 16)
        self.up2, self.up1 = nn.ConvTranspose2d(16, 8, 2, stride=2), nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.join2, self.join1 = _twice(16, 8), _twice(8, 4)
        self.mask = nn.Conv2d(4, 1, 1)
        self.fits = fits

    def forward(self, x: Tensor) -> Tensor:
        one = self.down1(x)
        two = self.down2(F.max_pool2d(one, 2))
        x = self.bottom(F.max_pool2d(two, 2))
        x = self.join2(torch.cat([two, self._to(self.up2(x), two)], dim=1))
        x = self.join1(torch.cat([one, self._to(self.up1(x), one)], dim=1))
        return self.mask(x)

    def _to(self, x: Tensor, like: Tensor) -> Tensor:
        return F.interpolate(x, size=like.shape[-2:]) if self.fits else x


@crash(
    "tensor_shape_mismatch", "forward", RuntimeError, "Sizes of tensors must match except in dimension 1. Expected size 9 but got size 8"
)
def unet_on_an_odd_size(faulty: bool) -> Subject:
    pictures = images(8, 1, 18)
    return subject(UNet(not faulty), nn.BCEWithLogitsLoss(), loader(pictures, (pictures > 0.5).float()), model="unet")


class BasicBlock(nn.Module):
    """A residual block; where it strides, its shortcut must stride, too."""

    def __init__(self, inputs: int, outputs: int, stride: int, downsample: bool):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Conv2d(inputs, outputs, 1, stride=stride) if downsample else None

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + identity)


@crash("tensor_shape_mismatch", "forward", RuntimeError, "The size of tensor a (8) must match the size of tensor b (16)")
def residual_block_without_downsample(faulty: bool) -> Subject:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), BasicBlock(8, 8, 1, False), BasicBlock(8, 16, 2, not faulty), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    net.append(nn.Linear(16, 10))
    return subject(net, nn.CrossEntropyLoss(), loader(images(), labels()), model="resnet")


class HandAttention(nn.Module):
    """One head of attention, written out."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.query, self.key, self.value = nn.Linear(12, 12), nn.Linear(12, 12), nn.Linear(12, 12)
        self.head = nn.Linear(12, 4)
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.query(x), self.key(x), self.value(x)
        scores = q @ (k if self.faulty else k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
        return self.head((torch.softmax(scores, dim=-1) @ v).mean(1))


@crash(
    "tensor_shape_mismatch",
    "forward",
    RuntimeError,
    "Expected size for first two dimensions of batch2 tensor to be: [4, 12] but got: [4, 7]",
)
def attention_without_transposed_keys(faulty: bool) -> Subject:
    return subject(HandAttention(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 7, 12), labels(8, 4)), model="attention")


class Pyramid(nn.Module):
    """Pools at several scales and stacks what it got."""

    def __init__(self, widths: tuple[int, int]):
        super().__init__()
        self.fine = nn.Sequential(nn.Conv1d(4, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool1d(widths[0]), nn.Flatten())
        self.coarse = nn.Sequential(nn.Conv1d(4, 8, 7, padding=3), nn.ReLU(), nn.AdaptiveAvgPool1d(widths[1]), nn.Flatten())
        self.head = nn.LazyLinear(3)

    def forward(self, x: Tensor) -> Tensor:
        scales = torch.stack([self.fine(x), self.coarse(x)])
        return self.head(scales.mean(0))


@crash(
    "tensor_shape_mismatch", "forward", RuntimeError, "stack expects each tensor to be equal size, but got [4, 32] at entry 0 and [4, 16]"
)
def scales_of_different_lengths(faulty: bool) -> Subject:
    net = Pyramid((4, 2) if faulty else (4, 4))
    return subject(net, nn.CrossEntropyLoss(), loader(torch.randn(8, 4, 20), labels(8, 3)))


class Encoder(nn.Module):
    """A transformer encoder with learned positions for a fixed length."""

    def __init__(self, length: int):
        super().__init__()
        self.tokens = nn.Embedding(30, 16)
        self.positions = nn.Parameter(0.02 * torch.randn(1, length, 16))
        layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 2)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.encoder(self.tokens(ids) + self.positions)[:, 0])


@crash(
    "tensor_shape_mismatch",
    "forward",
    RuntimeError,
    "The size of tensor a (10) must match the size of tensor b (8) at non-singleton dimension 1",
)
def positions_for_shorter_sequences(faulty: bool) -> Subject:
    return subject(Encoder(8 if faulty else 10), nn.CrossEntropyLoss(), loader(torch.randint(0, 30, (8, 10)), labels(8, 2)))


class DenseBlock(nn.Module):
    """Each layer reads all that came before it."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(8 if faulty else 8 + 4 * i, 4, 3, padding=1) for i in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, F.relu(layer(x))], dim=1)
        return x


@crash(
    "tensor_shape_mismatch",
    "forward",
    RuntimeError,
    "expected input[4, 12, 16, 16] to have 8 channels, but got 12 channels instead",
    accept={"linear_in_features_mismatch": "a convolution is no Linear, though the rule is the same"},
)
def dense_block_that_does_not_grow(faulty: bool) -> Subject:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), DenseBlock(faulty), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 10))
    return subject(net, nn.CrossEntropyLoss(), loader(images(), labels()), model="densenet")


class AutoEncoder(nn.Module):
    """Strides down and up again; without output padding the way up ends one pixel short."""

    def __init__(self, padding: int):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU())
        self.decoder = nn.Sequential(nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=padding), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


@crash("tensor_shape_mismatch", "loss", RuntimeError, "The size of tensor a (15) must match the size of tensor b (16)")
def reconstruction_one_pixel_short(faulty: bool) -> Subject:
    pictures = images(8, 1)
    return subject(AutoEncoder(0 if faulty else 1), nn.L1Loss(), loader(pictures, pictures), model="autoencoder")


class Translator(nn.Module):
    """A whole transformer; its causal mask must be as long as the target."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.source, self.target = nn.Embedding(20, 16), nn.Embedding(20, 16)
        self.transformer = nn.Transformer(16, 2, 1, 1, 32, dropout=0.0, batch_first=True)
        self.generator = nn.Linear(16, 20)
        self.faulty = faulty

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        length = source.size(1) if self.faulty else target.size(1)
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        states = self.transformer(self.source(source), self.target(target), tgt_mask=mask)
        return self.generator(states).transpose(1, 2)


@crash("tensor_shape_mismatch", "forward", RuntimeError, "The shape of the 2D attn_mask is torch.Size([9, 9]), but should be (6, 6).")
def mask_as_long_as_the_source(faulty: bool) -> Subject:
    source, target = torch.randint(0, 20, (8, 9)), torch.randint(0, 20, (8, 7))
    train = loader(source, target[:, :-1], target[:, 1:])
    return subject(Translator(faulty), nn.CrossEntropyLoss(), train, model="translator")


@crash("tensor_shape_mismatch", "step", RuntimeError, "must match the size of tensor b")
def optimizer_state_of_another_head(faulty: bool) -> Subject:
    """A checkpoint's optimizer is loaded after the head was replaced: nobody compares the shapes before the step."""
    old = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 5))
    before = torch.optim.Adam(old.parameters(), lr=1e-3)
    F.cross_entropy(old(torch.randn(4, 12)), labels(4, 5)).backward()
    before.step()
    net = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    if faulty:
        optimizer.load_state_dict(before.state_dict())
    return subject(net, nn.CrossEntropyLoss(), loader(torch.randn(8, 12), labels(8, 3)), optimizer)


def _vgg(poolings: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for stage in range(5):
        layers += [nn.Conv2d(channels, 8, 3, padding=1), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(2, 2)] if stage < poolings else []
        channels = 8
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


@crash(
    "spatial_size_collapse", "forward", RuntimeError, "Given input size: (8x1x1). Calculated output size: (8x0x0). Output size is too small"
)
def vgg_on_small_pictures(faulty: bool) -> Subject:
    return subject(_vgg(5), nn.CrossEntropyLoss(), loader(images(8, 3, 16 if faulty else 32), labels()), model="vgg")


class TextCNN(nn.Module):
    """Filters of 3, 4 and 5 words over a sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(60, 10)
        self.filters = nn.ModuleList(nn.Conv1d(10, 6, width) for width in (3, 4, 5))
        self.fc = nn.Linear(18, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens).transpose(1, 2)
        return self.fc(torch.cat([F.relu(conv(x)).amax(2) for conv in self.filters], dim=1))


@crash(
    "spatial_size_collapse",
    "forward",
    RuntimeError,
    "Calculated padded input size per channel: (4). Kernel size: (5). Kernel size can't be greater",
)
def sentence_shorter_than_a_filter(faulty: bool) -> Subject:
    tokens = torch.randint(1, 60, (8, 4))
    tokens = tokens if faulty else F.pad(tokens, (0, 4))
    return subject(TextCNN(), nn.CrossEntropyLoss(), loader(tokens, labels(8, 2)), model="textcnn")


class Strided(nn.Module):
    """A stem for large pictures, as in ResNet, and the fixed pooling of its first editions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.layer1, self.layer2 = BasicBlock(8, 8, 1, False), BasicBlock(8, 16, 2, True)
        self.fc = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer2(self.layer1(self.stem(x)))
        x = F.avg_pool2d(x, 7)
        return self.fc(torch.flatten(x, 1))


@crash(
    "spatial_size_collapse",
    "forward",
    RuntimeError,
    "Given input size: (16x4x4). Calculated output size: (16x0x0). Output size is too small",
)
def fixed_pooling_on_small_maps(faulty: bool) -> Subject:
    return subject(Strided(), nn.CrossEntropyLoss(), loader(images(4, 3, 32 if faulty else 56), labels(4)), model="resnet")


VIEW = "view size is not compatible with input tensor's size and stride"


class ManyHeads(nn.Module):
    """Attention with several heads, written out, as in GPT-like code."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.qkv, self.project, self.head = nn.Linear(16, 48), nn.Linear(16, 16), nn.Linear(16, 5)
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = (part.view(batch, length, 4, width // 4).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // 4)
        mixed = (torch.softmax(scores, dim=-1) @ v).transpose(1, 2)
        if not self.faulty:
            mixed = mixed.contiguous()
        mixed = mixed.view(batch, length, width)
        return self.head(self.project(mixed)[:, -1])


@crash("non_contiguous_view", "forward", RuntimeError, VIEW)
def heads_joined_by_view(faulty: bool) -> Subject:
    return subject(ManyHeads(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 6, 16), labels(8, 5)))


class RowsOfMaps(nn.Module):
    """A convolution whose maps are read column by column."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4 * 64, 10)
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x)).permute(0, 2, 3, 1)
        x = x.view(x.size(0), -1) if self.faulty else x.reshape(x.size(0), -1)
        return self.head(x)


@crash("non_contiguous_view", "forward", RuntimeError, VIEW)
def permuted_maps_flattened_by_view(faulty: bool) -> Subject:
    return subject(RowsOfMaps(faulty), nn.CrossEntropyLoss(), loader(images(8, 1, 8), labels()))


class BothDirections(nn.Module):
    """A bidirectional GRU whose two last states are put side by side."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.gru, self.head = nn.GRU(5, 8, batch_first=True, bidirectional=True), nn.Linear(16, 3)
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        _, hidden = self.gru(x)
        hidden = hidden.transpose(0, 1)
        hidden = hidden.view(len(x), 16) if self.faulty else hidden.reshape(len(x), 16)
        return self.head(hidden)


@crash("non_contiguous_view", "forward", RuntimeError, VIEW)
def directions_joined_by_view(faulty: bool) -> Subject:
    return subject(BothDirections(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 7, 5), labels(8, 3)))
