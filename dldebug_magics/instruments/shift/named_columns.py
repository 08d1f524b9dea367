"""What goes into a model as named columns of numbers, so that two splits can be held against each other and what differs has a name.

Tables stay as they are. Of pictures there are the pixels, averaged down where they are many, and what a person would see first: brightness,
contrast and sharpness. Of token ids there is what `tokens` counts.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy
import torch
from torch import Tensor
from torch.nn import functional

from ...engine.errors import UserMistake
from .tokens import LONGEST, bags, unpadded

_MOST = 1024  # columns of one input
_MANY = 32  # columns from which on a row has a mean and a spread that are worth a look
_SHORT = 16  # ids: where a sample has no more, each place is a column
_FEW = 20  # distinct values of a discrete column


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some columns [n, d] of one input. `kind` is values (one column each), summary (what is said of a whole sample) or tokens (ids)."""

    kind: str
    names: tuple[str, ...]
    values: numpy.ndarray


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of two splits: `a` [n_a, d] and `b` [n_b, d], their `names`, which are `discrete`, and which are a `summary`."""

    names: tuple[str, ...]
    a: numpy.ndarray
    b: numpy.ndarray
    discrete: numpy.ndarray
    summary: numpy.ndarray


Pieces = Mapping[tuple[str, str], list[Piece]]  # of a split: by input and kind, a piece a batch
_Found = tuple[str, tuple[str, ...], numpy.ndarray, numpy.ndarray, bool]  # an input's name, columns, both splits, whether a summary


def pieces(tensor: Tensor) -> Iterator[Piece]:
    """The columns of one input [n, ...] of the model."""
    tensor = tensor.detach().cpu()
    tensor = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    if not tensor.is_floating_point() and tensor.dtype not in (torch.uint8, torch.bool) and tensor.ndim == 2 and tensor.shape[1] > 3:
        yield Piece("tokens", (), unpadded(tensor[:, :LONGEST].long().numpy()))
        if tensor.shape[1] > _SHORT:
            return
    values, whole = torch.nan_to_num(tensor.float(), posinf=0.0, neginf=0.0), tuple(tensor.shape[1:])
    if values.ndim == 4 and min(values.shape[2:]) > 2:
        yield _picture(values)
        values = _averaged(values)
    flat = values.reshape(len(values), -1)
    if flat.shape[1] >= _MANY and tensor.ndim != 4:
        yield Piece("summary", ("mean over the row", "spread over the row"), torch.stack([flat.mean(1), flat.std(1)], 1).numpy())
    step = -(-flat.shape[1] // _MOST) or 1
    yield Piece("values", _names(tuple(values.shape[1:]), whole, step), flat[:, ::step].numpy())


def _picture(values: Tensor) -> Piece:
    """Brightness and contrast of each channel; and the steps between neighbouring pixels, against the contrast."""
    channels = values.shape[1]
    of = [""] if channels == 1 else [f" of channel {channel}" for channel in range(channels)]
    bright, contrast = values.mean((2, 3)), values.std((2, 3))
    steps = values.diff(dim=2).abs().mean((2, 3)) + values.diff(dim=3).abs().mean((2, 3))
    sharp = (steps / contrast.clamp(min=1e-6)).mean(1, keepdim=True)
    names = [*(f"brightness{word}" for word in of), *(f"contrast{word}" for word in of), "sharpness (edges against contrast)"]
    return Piece("summary", tuple(names), torch.cat([bright, contrast, sharp], 1).numpy())


def _averaged(values: Tensor) -> Tensor:
    """A picture of no more than `_MOST` numbers."""
    side = max(1, int((_MOST / values.shape[1]) ** 0.5))
    if values[0].numel() <= _MOST:
        return values
    return functional.adaptive_avg_pool2d(values, (min(side, values.shape[2]), min(side, values.shape[3])))


@functools.lru_cache(maxsize=8)
def _names(shape: tuple[int, ...], whole: tuple[int, ...], step: int) -> tuple[str, ...]:
    """A name for each number of a sample, or for each `step`-th; a number that is an average is named by its middle.

    >>> _names((2,), (2,), 1), _names((1, 1, 2), (1, 8, 8), 1)
    (('column 0', 'column 1'), ('pixel around (4, 2)', 'pixel around (4, 6)'))
    """
    if len(shape) <= 1:
        return tuple(f"column {i}" for i in range(0, shape[0] if shape else 1, step))
    word = "value" if len(whole) != 3 or min(whole[1:]) <= 2 else "pixel" if shape == whole else "pixel around"
    found = []
    for place in list(numpy.ndindex(*shape))[::step]:
        spot = tuple(int((i + 0.5) * w / s) for i, s, w in zip(place, shape, whole, strict=True))
        of = f" of channel {spot[0]}" if word != "value" and shape[0] > 1 else ""
        found.append(f"{word} {spot if word == 'value' else spot[1:]}{of}")
    return tuple(found)


def together(a: Pieces, b: Pieces, names: Sequence[str] = ()) -> Columns:
    """The columns that both splits have, without those that never vary. `names` are the user's own, of the columns of a table."""
    found = list[_Found]()
    for key in [key for key in a if key in b]:
        values = [[piece.values for piece in side[key]] for side in (a, b)]
        if key[1] == "tokens":
            found.append((key[0], *bags(*values), False))
        elif len({part.shape[1:] for side in values for part in side}) == 1:
            joined = [numpy.concatenate(side) for side in values]
            found.append((key[0], a[key][0].names, joined[0], joined[1], key[1] == "summary"))
    several = len({part[0] for part in found}) > 1
    words = [f"{part[0]}, {name}" if several else name for part in found for name in part[1]]
    mine = [i for i, word in enumerate(words) if word.rpartition(", ")[2].startswith("column ")]
    if names and len(names) != len(mine):
        raise UserMistake(f"{len(names)} names of columns were given", expected=f"{len(mine)}, as many as a row of the inputs has")
    own = dict(zip(mine, names, strict=True)) if names else {}
    return _varying([own.get(i, word) for i, word in enumerate(words)], found)


def _varying(words: list[str], found: list[_Found]) -> Columns:
    if not found:
        return Columns((), numpy.zeros((0, 0)), numpy.zeros((0, 0)), numpy.zeros(0, bool), numpy.zeros(0, bool))
    a, b = (numpy.concatenate([part[side] for part in found], axis=1) for side in (2, 3))
    ordered = numpy.sort(numpy.concatenate([a, b]), axis=0)
    distinct = 1 + (numpy.diff(ordered, axis=0) != 0).sum(0)
    kept = distinct > 1
    summary = numpy.concatenate([numpy.full(part[2].shape[1], part[4]) for part in found])
    named = tuple(word for word, stays in zip(words, kept, strict=True) if stays)
    return Columns(named, a[:, kept], b[:, kept], (distinct <= _FEW)[kept], summary[kept])
