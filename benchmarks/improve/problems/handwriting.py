"""Problems with handwritten digits: too small a net, one held down, too little data, digits out of place, raw pixels, another light."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from .. import data
from ..problem import Part, Problem, Splits, cut

Adam, AdamW = torch.optim.Adam, torch.optim.AdamW


def _mlp(width: int, *, dropout: float = 0.0) -> nn.Module:
    drop = [nn.Dropout(dropout)] if dropout else []
    hidden = (nn.Linear(196, width), nn.ReLU(), *drop, nn.Linear(width, width), nn.ReLU(), *drop)
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(width, 10))


def _conv(*, norm: bool) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3), *[nn.BatchNorm2d(8)] * norm, nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3), *[nn.BatchNorm2d(16)] * norm, nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * 4, 10)),
    )


def _narrow(width: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(196, width), nn.Tanh(), nn.Linear(width, 10))


def _splits(train: int, *, flat: bool = False) -> Splits:
    """Cut without shift: what is left over is the large test set."""
    inputs, labels = data.handwriting()
    return Splits(*cut(inputs.flatten(1) if flat else inputs, labels, train, 500, 500, 500, train))


def too_small() -> Problem:
    """Five units between 196 pixels and ten digits."""
    return Problem("too_small", "bias", _splits(1000), lambda: _narrow(5), lambda net: Adam(net.parameters(), 3e-3), 20, human=0.01)


def over_regularised() -> Problem:
    """Dropout 0.8 twice, and a weight decay of 0.3."""
    return Problem(
        "over_regularised",
        "bias",
        _splits(1000),
        lambda: _mlp(48, dropout=0.8),
        lambda net: AdamW(net.parameters(), 3e-3, weight_decay=0.3),
        15,
        human=0.01,
    )


def too_little_data() -> Problem:
    """150 digits, as rows of numbers."""
    return Problem(
        "too_little_data", "variance", _splits(150, flat=True), lambda: _mlp(64), lambda net: Adam(net.parameters(), 1e-3), 40, human=0.01
    )


def moving_pictures() -> Problem:
    """Each digit somewhere in a larger picture, and a net that must see it everywhere."""
    return Problem(
        "moving_pictures",
        "variance",
        _moved(_splits(1000)),
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(324, 128), nn.ReLU(), nn.Linear(128, 10)),
        lambda net: Adam(net.parameters(), 2e-3),
        40,
        64,
        human=0.01,
    )


def _moved(splits: Splits) -> Splits:
    """The digits at random places in pictures of 18 x 18."""
    return Splits(*(_placed(*getattr(splits, role), seed) for seed, role in enumerate(Splits.__dataclass_fields__)))


def _placed(inputs: Tensor, labels: Tensor, seed: int) -> Part:
    luck, pictures = torch.Generator().manual_seed(seed), torch.zeros(len(inputs), 1, 18, 18)
    for picture, digit, (row, column) in zip(pictures, inputs, torch.randint(5, (len(inputs), 2), generator=luck), strict=True):
        picture[:, row : row + 14, column : column + 14] = digit
    return pictures, labels


def side_light() -> Problem:
    """A net with batch norm, and where it is used a lamp to the right of the paper."""
    splits = _splits(1000)
    lit = {role: _lit(getattr(splits, role)) for role in ("test_val", "test", "large")}
    return Problem(
        "side_light",
        "shift",
        dataclasses.replace(splits, **lit),
        lambda: _conv(norm=True),
        lambda net: Adam(net.parameters(), 3e-3),
        6,
        human=0.01,
    )


def _lit(part: Part) -> Part:
    return part[0] + torch.linspace(0.0, 0.8, 14), part[1]


def raw_pixels() -> Problem:
    """A convolutional net without normalisation, on pixels from 0 to 255."""
    splits = _splits(400)
    raw = Splits(*((255 * getattr(splits, role)[0], getattr(splits, role)[1]) for role in Splits.__dataclass_fields__))
    return Problem("raw_pixels", "variance", raw, lambda: _conv(norm=False), lambda net: Adam(net.parameters(), 1e-3), 20, human=0.01)
