"""What is kept of one split while it is read: a word for each sample, running moments, and the inputs small enough for a probe."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...engine.call import split
from ...engine.nested import tensors
from ...engine.samples import Portion
from ...engine.split import LABELS
from ...engine.subject import Subject
from .leaf import Leaf

_WIDE = 4096  # numbers of a sample that are kept; a larger picture is averaged down
_BINS = 256  # of the bag of tokens


@dataclasses.dataclass
class Material:
    """One split, read so far. `words` and `answers` are digests of each sample's inputs and targets; `points` what a probe may see."""

    role: str
    source: Any
    inputs: list[Leaf] = dataclasses.field(default_factory=list)
    targets: list[Leaf] = dataclasses.field(default_factory=list)
    numbers: list[int] = dataclasses.field(default_factory=list)
    words: list[bytes] = dataclasses.field(default_factory=list)
    answers: list[bytes] = dataclasses.field(default_factory=list)
    points: list[Tensor] = dataclasses.field(default_factory=list)
    labels: list[Tensor] = dataclasses.field(default_factory=list)
    broken_batch: Any = None

    def add(self, subject: Subject, portion: Portion) -> None:
        """Take in one batch."""
        parts = inputs_and_targets(subject, portion.batch)
        inputs, targets = ([t.detach().cpu() for t in part] for part in parts)
        count = len(portion.numbers)
        if any(not t.ndim or t.shape[0] != count or t.is_sparse or t.is_nested or t.is_complex() for t in inputs + targets[:1]):
            return  # the first axis is not the batch: nothing can be said about single samples
        before, start = sum(leaf.not_finite for leaf in self.inputs + self.targets), len(self.numbers)
        _gather(self.inputs, inputs, start)
        _gather(self.targets, targets[:1], start)
        if self.broken_batch is None and sum(leaf.not_finite for leaf in self.inputs + self.targets) > before:
            self.broken_batch = portion.batch
        self.numbers += portion.numbers
        self.words += _words(inputs, count)
        self.answers += _words(targets[:1], count)
        self.points += [_small(inputs[0])] if inputs else []
        self.labels += targets[:1]

    @property
    def single(self) -> bool:
        """Whether the model has one input."""
        return len(self.inputs) == 1

    def all_points(self) -> Tensor | None:
        """The probe's inputs [n, ...]; None where samples differ in shape."""
        return torch.cat(self.points) if self.points and len({t.shape[1:] for t in self.points}) == 1 else None

    def points_from_start(self, count: int) -> Tensor:
        """The first samples, one after the other."""
        return torch.cat(self.points)[:count]

    def all_labels(self) -> Tensor | None:
        """The targets [n, ...]; None where there are none, or they differ in shape."""
        return torch.cat(self.labels) if self.labels and len({t.shape[1:] for t in self.labels}) == 1 else None


def inputs_and_targets(subject: Subject, batch: Any) -> tuple[list[Tensor], list[Tensor]]:
    """The tensors that go into the model and those that it is to answer with, also where the model keeps its own loss."""
    if subject.step is not None:
        arguments: Any = batch
        keywords: Mapping[str, Any] = {}
        targets: Any = ()
    else:
        arguments, keywords, targets = split(subject, batch)
    label = next((name for name in LABELS if name in keywords), None) if not targets else None
    if label is not None:
        targets, keywords = (keywords[label],), {name: value for name, value in keywords.items() if name != label}
    if not targets and isinstance(batch, (tuple, list)) and len(batch) > 1:
        arguments, targets = batch[:-1], (batch[-1],)
    return list(tensors((arguments, keywords))), list(tensors(targets))


def _gather(leaves: list[Leaf], found: list[Tensor], start: int) -> None:
    if not leaves:
        leaves += [Leaf(tuple(t.shape[1:]), str(t.dtype).removeprefix("torch.")) for t in found]
    for leaf, tensor in zip(leaves, found, strict=False):
        leaf.add(tensor, start)


def _words(found: list[Tensor], count: int) -> Iterator[bytes]:
    """A digest of each sample."""
    rows = [
        t.contiguous().view(torch.uint8) if t.ndim > 1 or t.dtype is torch.uint8 else t[:, None].contiguous().view(torch.uint8)
        for t in found
    ]
    flat = [row.reshape(count, -1).numpy() for row in rows]
    return (hashlib.blake2b(b"".join(row[i].tobytes() for row in flat), digest_size=12).digest() for i in range(count))


def _small(tensor: Tensor) -> Tensor:
    """The inputs as numbers of a size that a probe can take: pictures averaged down, token ids as a bag."""
    if not tensor.is_floating_point() and tensor.ndim == 2 and tensor.dtype not in (torch.uint8, torch.bool):
        return _bag(tensor.long())
    values = torch.nan_to_num(tensor.float(), posinf=0.0, neginf=0.0)
    while values[0].numel() > _WIDE and values.ndim > 1 and max(values.shape[2:], default=1) > 1:
        values = functional.avg_pool2d(values, 2) if values.ndim == 4 and min(values.shape[2:]) > 1 else values[..., ::2]
    return values.flatten(1)[:, :_WIDE] if values[0].numel() > _WIDE else values


def _bag(ids: Tensor) -> Tensor:
    """How often each token occurs, and which stands where, both folded into few columns."""
    here = torch.arange(ids.shape[1]) * 7919
    bag = torch.zeros(len(ids), 2 * _BINS)
    ones = torch.ones(ids.shape, dtype=torch.float32)
    bag.scatter_add_(1, ids.remainder(_BINS), ones)
    return bag.scatter_add_(1, _BINS + (ids * 31 + here).remainder(_BINS), ones)
