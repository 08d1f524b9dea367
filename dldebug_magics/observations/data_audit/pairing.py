"""Asking the probes whether inputs and labels belong together: in each split, across both, and by the order in which samples stand."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from ...engine.samples import numbered
from .features import components, views
from .labels import Targets, standardised, targets_of
from .material import Material
from .probe import Strength, across, strength, within
from .signal import Signal

_MOST = 1000  # samples of a split that a probe looks at
_FEWEST = 100
_LEFT_OUT = -100  # ignore_index, where nothing is said
_ENOUGH = 300  # samples in which a signal that is there would be seen
_PAIRS = 500  # samples with a next one
_SHIFTS = (-1, 1, -2, 2)


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What the probes are asked about: some rows of a split."""

    split: Material
    points: Tensor
    targets: Targets
    rows: Tensor

    def labels(self, shift: int = 0) -> Tensor:
        """The matrix to be predicted, each column of mean 0; with the labels of all samples moved by some rows."""
        assert self.targets.matrix is not None
        matrix = self.targets.matrix.roll(shift, 0)[self.rows]
        return matrix - matrix.mean(0)


def signal(train: Material, val: Material | None) -> Signal | None:
    """Ask the probes; None where the training set has no labels that a probe can predict."""
    mine, other = _asked(train), _asked(val) if val is not None else None
    if mine is None:
        return None
    if other is not None and (other.targets.kind != mine.targets.kind or other.points.shape[1:] != mine.points.shape[1:]):
        other = None
    seen = views(torch.cat([mine.points, other.points]) if other is not None else mine.points)
    known = [view[: len(mine.rows)] for view in seen]
    probes = within(known)
    found = Signal(mine.targets.kind, _told(mine, probes))
    if other is not None:
        found = _beside(found, mine, known, other, [view[len(mine.rows) :] for view in seen])
    if found.train is not None and found.train.absent and train.single and len(mine.rows) >= _ENOUGH:
        found = dataclasses.replace(found, structure=_structure(mine.points))
        found = _in_order(found, mine, probes)
    return found


def _asked(split: Material) -> _Asked | None:
    points, targets = split.all_points(), targets_of(split.all_labels())
    if points is None or targets.matrix is None or len(points) < _FEWEST or len(points) != len(targets.matrix):
        return None
    if targets.numbers is not None and float((targets.numbers == _LEFT_OUT).float().mean()) > 0.1:
        return None  # these samples have no label that could belong to them
    if targets.kind == "classes" and (targets.matrix.shape[1] < 2 or len(points) < 10 * targets.matrix.shape[1]):
        return None
    count = min(_MOST, len(points))
    rows = torch.arange(count) * len(points) // count
    return _Asked(split, points[rows], targets, rows)


def _told(asked: _Asked, probes: list[Tensor]) -> Strength:
    """How well the probes tell the labels; for classes also the share that the best one gets right, and that of the most frequent class."""
    labels = asked.labels()
    found = strength(probes, labels)
    if asked.targets.numbers is None:
        return found
    index = asked.targets.numbers.unique(return_inverse=True)[1][asked.rows]
    shares = torch.bincount(index, minlength=labels.shape[1]) / len(index)
    right = max(float(((probe @ labels + shares).argmax(1) == index).float().mean()) for probe in probes)
    return dataclasses.replace(found, accuracy=right, chance=float(shares.max()))


def _beside(found: Signal, mine: _Asked, known: list[Tensor], other: _Asked, asked: list[Tensor]) -> Signal:
    """The same questions to the validation set, across both, and whether their inputs are alike."""
    few = min(300, len(mine.rows), len(other.rows))
    mixed = [torch.cat([view[torch.arange(few) * len(view) // few] for view in pair]) for pair in zip(known, asked, strict=True)]
    which = torch.cat([torch.ones(few, 1), -torch.ones(few, 1)])
    found = dataclasses.replace(
        found,
        val=_told(other, within(asked)),
        apart=strength(within(mixed), which),
        val_to_train=_distance(asked[0], known[0]) / max(1e-9, _distance(known[0], known[0])),
        train_to_val=_distance(known[0], asked[0]) / max(1e-9, _distance(asked[0], asked[0])),
    )
    labels, answers = mine.labels(), other.labels()
    if labels.shape[1] != answers.shape[1]:
        return found
    forth, back = strength(across(known, asked), labels, answers), strength(across(asked, known), answers, labels)
    return dataclasses.replace(found, train_on_val=forth, val_on_train=back)


def _distance(one: Tensor, other: Tensor) -> float:
    """The median distance from a sample to the nearest other one."""
    distances = torch.cdist(one, other)
    return float((distances.fill_diagonal_(torch.inf) if one is other else distances).amin(1).median())


def _structure(points: Tensor) -> Strength | None:
    """How well one half of the columns tells the other; None where there is but one."""
    columns = points.flatten(1)[:500]
    columns = columns[:, torch.randperm(columns.shape[1], generator=torch.Generator().manual_seed(2))]
    half = columns.shape[1] // 2
    if not half:
        return None
    one, other = components(columns[:, :half]), components(columns[:, half:])
    return strength(within([one]), other - other.mean(0))


def _in_order(found: Signal, mine: _Asked, probes: list[Tensor]) -> Signal:
    """Where nothing was found: whether labels stand in an order that the inputs lack, and whether they belong to a row nearby."""
    numbers = mine.split.numbers
    if mine.split.source is not None and numbered(mine.split.source) is None:
        return found
    place = standardised(torch.tensor(numbers)[mine.rows][:, None])
    labels, inputs = strength(within([place]), mine.labels()), strength(probes, place)
    found = dataclasses.replace(found, labels_by_place=labels, inputs_by_place=inputs)
    if numbers != list(range(len(numbers))):
        return found
    row = components(mine.split.points_from_start(_PAIRS).flatten(1))
    found = dataclasses.replace(found, successive=strength(within([row[:-1]]), row[1:] - row[1:].mean(0)))
    for shift in _SHIFTS if found.successive is not None and found.successive.absent else ():  # a label to come may stand in the next input
        moved = strength(probes, mine.labels(shift))
        if moved.strong:
            return dataclasses.replace(found, shift=shift, shifted=moved)
    return found
