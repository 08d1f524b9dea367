"""What the samples are: pictures, tokens, rows of a table or series, read off the frozen batch and the layer that sees it first."""

from __future__ import annotations

import dataclasses

from torch import Tensor, nn

from ..engine.call import split
from ..engine.nested import tensors
from ..engine.subject import Subject
from .layer_order import Layer, layer_order

PICTURES, TOKENS, ROWS, SERIES, UNKNOWN = "pictures", "tokens", "rows", "series", ""
_CHANNELS = (1, 3, 4)
_SIDE = 4  # pixels: nothing smaller is a picture
_SEES_SERIES = (nn.Conv1d, nn.RNNBase, nn.MultiheadAttention)


@dataclasses.dataclass(frozen=True)
class Form:
    """The kind of a program's samples, and the axis of their channels or columns in a batch; None where there is one channel only."""

    kind: str
    axis: int | None = None


def modality(subject: Subject) -> str:
    """ "pictures", "tokens", "rows", "series", or nothing where nobody can tell.

    >>> import torch
    >>> batch = (torch.zeros(8, 5), torch.zeros(8, 1))
    >>> modality(Subject(nn.Linear(5, 1), nn.MSELoss(), batch=batch))
    'rows'
    """
    return form_of(subject).kind


def form_of(subject: Subject) -> Form:
    """The same with the axis of the channels."""
    given = None if subject.step is not None else main_input(subject, subject.batch)
    if given is None or given.ndim < 2:
        return Form(UNKNOWN)
    first = next((layer for layer in layer_order(subject)), None)
    if isinstance(first and first.module, (nn.Embedding, nn.EmbeddingBag)) and not given.is_floating_point():
        return Form(TOKENS) if given.ndim == 2 else Form(UNKNOWN)
    by_size = {2: _of_two, 3: _of_three, 4: _of_four}.get(given.ndim)
    return by_size(given, first) if by_size is not None else Form(UNKNOWN)


def main_input(subject: Subject, batch: object) -> Tensor | None:
    """The first tensor of a batch that goes into the model."""
    arguments, keywords, _ = split(subject, batch)
    return next(tensors((arguments, keywords)), None)


def _of_two(given: Tensor, first: Layer | None) -> Form:
    if isinstance(first and first.module, _SEES_SERIES):
        return Form(SERIES)
    integers = not given.is_floating_point() and (first is None or not isinstance(first.module, (nn.Linear, nn.BatchNorm1d)))
    return Form(UNKNOWN) if integers else Form(ROWS, 1)


def _of_three(given: Tensor, first: Layer | None) -> Form:
    layer = first and first.module
    if isinstance(layer, _SEES_SERIES):
        return Form(SERIES, 1 if isinstance(layer, nn.Conv1d) else 2)
    if isinstance(layer, nn.Conv2d):
        return Form(PICTURES)
    height, width = given.shape[1:]
    if isinstance(layer, nn.Linear) and layer.in_features == height * width and min(height, width) >= 2 * _SIDE:
        return Form(PICTURES)
    return Form(SERIES, 2) if isinstance(layer, nn.Linear) and layer.in_features == width else Form(UNKNOWN)


def _of_four(given: Tensor, first: Layer | None) -> Form:
    if isinstance(first and first.module, nn.Conv2d):
        last = given.shape[1] not in _CHANNELS and given.shape[3] in _CHANNELS and first is not None and given.shape[1:] != first.given[1:]
        return Form(PICTURES, 3 if last else 1)
    for axis, sides in ((1, given.shape[2:]), (3, given.shape[1:3])):
        if given.shape[axis] in _CHANNELS and min(sides) >= _SIDE:
            return Form(PICTURES, axis)
    return Form(UNKNOWN)
