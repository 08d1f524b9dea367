"""Asking the probes whether inputs and labels belong together: in each split, across the splits, and by the order in which samples stand."""

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
_ENOUGH = 300  # samples in which a signal that is there would be seen
_SHIFTS = (-1, 1, -2, 2)


def signal(train: Material, val: Material | None) -> Signal | None:
    """Ask the probes; None where the training set has no labels that a probe can predict."""
    mine, others = _asked(train), _asked(val) if val is not None else None
    if mine is None:
        return None
    points, targets, rows = mine
    comparable = others is not None and others[1].kind == targets.kind and others[0].shape[1:] == points.shape[1:]
    seen = views(torch.cat([points, others[0]]) if comparable and others is not None else points)
    known = [view[: len(points)] for view in seen]
    probes, labels = within(known), _matrix(targets, rows)
    found = _with_accuracy(strength(probes, labels), probes, targets, rows)
    signal = Signal(targets.kind, found)
    if comparable and others is not None:
        signal = _beside(signal, known, labels, [view[len(points) :] for view in seen], others)
    if found.absent and train.single and len(points) >= _ENOUGH:
        signal = _in_order(signal, train, points, probes, targets, rows)
    return signal


def _asked(split: Material) -> tuple[Tensor, Targets, Tensor] | None:
    """(inputs, targets, the rows looked at) of a split that a probe can be asked about."""
    points, targets = split.all_points(), targets_of(split.all_labels())
    if points is None or targets.matrix is None or len(points) < _FEWEST or len(points) != len(targets.matrix):
        return None
    if targets.kind == "classes" and (targets.matrix.shape[1] < 2 or len(points) < 10 * targets.matrix.shape[1]):
        return None
    rows = torch.arange(min(_MOST, len(points))) * len(points) // min(_MOST, len(points))
    return points[rows], targets, rows


def _matrix(targets: Targets, rows: Tensor) -> Tensor:
    assert targets.matrix is not None
    return targets.matrix[rows] - targets.matrix[rows].mean(0)


def _with_accuracy(found: Strength, probes: list[Tensor], targets: Targets, rows: Tensor) -> Strength:
    """For classes: the share of right answers of the best probe, and of the most frequent class."""
    if targets.numbers is None or targets.matrix is None:
        return found
    _, index = targets.numbers.unique(return_inverse=True)
    answers, shares = index[rows], torch.bincount(index[rows]) / len(rows)
    right = max(
        float(((probe @ _matrix(targets, rows) + shares[: targets.matrix.shape[1]]).argmax(1) == answers).float().mean())
        for probe in probes
    )
    return dataclasses.replace(found, accuracy=right, chance=float(shares.max()))


def _beside(signal: Signal, known: list[Tensor], labels: Tensor, asked: list[Tensor], others: tuple[Tensor, Targets, Tensor]) -> Signal:
    """The same questions to the validation set, across both, and whether their inputs are alike."""
    _, targets, rows = others
    probes, answers = within(asked), _matrix(targets, rows)
    val = _with_accuracy(strength(probes, answers), probes, targets, rows)
    few = min(300, len(known[0]), len(asked[0]))
    which = torch.cat([torch.ones(few, 1), -torch.ones(few, 1)])
    mixed = [
        torch.cat([a[torch.arange(few) * len(a) // few], b[torch.arange(few) * len(b) // few]]) for a, b in zip(known, asked, strict=True)
    ]
    signal = dataclasses.replace(signal, val=val, apart=strength(within(mixed), which))
    if labels.shape[1] != answers.shape[1]:
        return signal
    forth, back = strength(across(known, asked), labels, answers), strength(across(asked, known), answers, labels)
    return dataclasses.replace(signal, train_on_val=forth, val_on_train=back)


def _in_order(signal: Signal, train: Material, points: Tensor, probes: list[Tensor], targets: Targets, rows: Tensor) -> Signal:
    """Where nothing was found: whether the inputs have any structure, and whether labels stand in an order that the inputs lack."""
    numbers = torch.Generator().manual_seed(2)
    columns = points.flatten(1)[torch.arange(min(500, len(points)))]
    columns = columns[:, torch.randperm(columns.shape[1], generator=numbers)]
    half = columns.shape[1] // 2
    if half:
        one, other = components(columns[:, :half]), components(columns[:, half:])
        signal = dataclasses.replace(signal, structure=strength(within([one]), other - other.mean(0)))
    if train.source is not None and numbered(train.source) is None:
        return signal
    place, labels = standardised(torch.tensor(train.numbers)[rows][:, None]), _matrix(targets, rows)
    signal = dataclasses.replace(signal, labels_by_place=strength(within([place]), labels), inputs_by_place=strength(probes, place))
    for shift in _SHIFTS if train.numbers == list(range(len(train.numbers))) else ():
        assert targets.matrix is not None
        moved = targets.matrix.roll(shift, 0)[rows]
        found = strength(probes, moved - moved.mean(0))
        if _strong(found):
            return dataclasses.replace(signal, shift=shift, shifted=found)
    return signal
