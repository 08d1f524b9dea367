"""Whether whole numbers that a loss takes for quantities have an order that the inputs know of, or are the names of classes.

Samples that are alike, and yet differ in their target, differ by little where the target is a quantity. Where it names a class they differ
by as much as under any other numbering of the classes. Looked at only where targets are numbered from 0 on without a gap.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor

from ...engine.observation import Observation
from ...engine.samples import portions, readable
from ...engine.subject import Subject
from ..data_audit.features import components
from ..data_audit.material import Material
from .targets import TargetCard

_FEWEST, _MOST = 5, 30  # classes: of fewer there are too few numberings to compare with
_SAMPLES = 600
_NEAREST = 5
_NUMBERINGS = 400
_PAIRS = 50


@dataclasses.dataclass(frozen=True)
class LabelOrder(Observation):
    """`agree` is the share of neighbours with one and the same target, of so many `classes`; `apart` by how much the others differ, and
    `renumbered` by how much they do where the classes are numbered at random; `lower`: the share of such numberings that do not do worse.
    """

    classes: int = 0
    agree: float = 0.0
    apart: float = 0.0
    renumbered: float = 0.0
    lower: float = 0.0

    @classmethod
    def measure(cls, subject: Subject, targets: TargetCard) -> Iterator[LabelOrder]:
        """Read a few hundred samples, nothing where the targets do not look like class numbers; one pass over their distances."""
        looks_so = targets.goes_into("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss") and targets.target.numbers(targets.samples)
        if looks_so and readable(subject.train):
            split = Material("train", subject.train)
            for portion in portions(subject.train, _SAMPLES):
                split.add(subject, portion)
            yield _compared(split.all_points(), split.all_labels())
        else:
            yield cls()

    @property
    def none(self) -> bool:
        """Whether neighbours share their target far more often than not, and those that do not are as far apart as names are."""
        return self.agree > 0.6 and self.lower > 0.1

    @property
    def told(self) -> str:
        """What was seen, for a fact."""
        neighbours = f"{self.agree:.0%} of neighbours have the same, the others differ by {self.apart:.1f}"
        return f"whole numbers without an order: {neighbours}, or {self.renumbered:.1f} if numbered at random"


def _compared(points: Tensor | None, labels: Tensor | None) -> LabelOrder:
    if points is None or labels is None or labels.is_floating_point() or labels.numel() != len(points):
        return LabelOrder()
    numbers = labels.reshape(-1).long()
    count = len(numbers.unique())
    if not _FEWEST <= count <= _MOST or int(numbers.min()) != 0 or int(numbers.max()) != count - 1 or len(points) < 10 * count:
        return LabelOrder()
    view = components(points.flatten(1))
    nearest = torch.cdist(view, view).fill_diagonal_(torch.inf).topk(_NEAREST, largest=False).indices
    here, there = numbers[:, None].expand_as(nearest).reshape(-1), numbers[nearest].reshape(-1)
    differ = here != there
    if int(differ.sum()) < _PAIRS:
        return LabelOrder()
    pairs = torch.zeros(count, count).index_put_((here[differ], there[differ]), torch.ones(int(differ.sum())), accumulate=True)
    dice = torch.Generator().manual_seed(0)
    others = torch.stack([_apart(pairs, torch.randperm(count, generator=dice)) for _ in range(_NUMBERINGS)])
    seen = _apart(pairs, torch.arange(count))
    agree, lower = 1 - float(differ.float().mean()), float((others <= seen).float().mean())
    return LabelOrder(count, agree, float(seen), float(others.mean()), lower)


def _apart(pairs: Tensor, numbering: Tensor) -> Tensor:
    """The mean difference of the neighbours' targets under a numbering of the classes."""
    distances = (numbering[:, None] - numbering[None]).abs()
    return (pairs * distances).sum() / pairs.sum()
