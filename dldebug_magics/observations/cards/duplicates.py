"""Samples of the frozen batch with the same input: whether their labels agree, and whether such equals are to be expected."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import log

from torch import Tensor

from ...engine.call import split
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject

_VALUES = 12  # different values in a sample
_COLUMNS = 100  # of a label
_REPEATS = 6  # samples beyond the first of their input: fewer say little of a variance


@dataclasses.dataclass(frozen=True)
class DuplicateCard(Observation):
    """`disagreeing` samples share their input with others of another label; `floor` is what no model gets below: the cross entropy in nats,
    or, where labels are numbers (`numbers`), the share of their variance that their inputs can't explain.

    `pair` are the first two such samples and `labels` theirs. `repeatable`: inputs of few possible values, which repeat of themselves;
    `blank`: the inputs that repeat are constant, such as an empty picture; `one_for_all`: no two inputs differ.
    """

    samples: int
    disagreeing: int
    floor: float
    pair: tuple[int, int]
    labels: tuple[str, str]
    repeatable: bool
    blank: bool
    numbers: bool = False
    one_for_all: bool = False

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[DuplicateCard]:
        """Compare the inputs of the frozen batch; nothing is run."""
        if subject.step is not None or subject.loss_fn is None:
            return
        arguments, keywords, targets = split(subject, subject.batch)
        inputs = list(tensors((arguments, keywords)))
        labels = next(tensors(targets), None)
        if len(inputs) != 1 or labels is None or not inputs[0].is_floating_point() or not inputs[0].ndim:
            return
        points = inputs[0].detach().cpu().reshape(len(inputs[0]), -1)
        told = labels.detach().cpu().reshape(len(labels), -1) if labels.ndim else labels
        if not labels.ndim or labels.is_complex() or len(told) != len(points) or told.shape[1] > min(_COLUMNS, points.shape[1]):
            return
        alike = _grouped(points)
        answers = [tuple(row) for row in told.tolist()]
        mixed = [rows for rows in alike.values() if len({answers[row] for row in rows}) > 1]
        numbers = told.is_floating_point() and not bool(((told == 0) | (told == 1)).all())
        first = next(((a, b) for rows in mixed for a in rows for b in rows if answers[a] != answers[b]), (0, 0))
        yield cls(
            samples=len(points),
            disagreeing=sum(map(len, mixed)),
            floor=_unexplained(told, alike) if numbers else _entropy(answers, alike),
            pair=first,
            labels=(_text(answers[first[0]]), _text(answers[first[1]])),
            repeatable=not _rich(points),
            blank=all(len(points[rows[0]].unique()) == 1 for rows in mixed),
            numbers=numbers,
            one_for_all=len(alike) == 1,
        )


def _grouped(points: Tensor) -> dict[bytes, list[int]]:
    """The rows of each different input."""
    alike: dict[bytes, list[int]] = defaultdict(list)
    for row, point in enumerate(points):
        alike[point.numpy().tobytes()].append(row)
    return alike


def _rich(points: Tensor) -> bool:
    """Whether equal inputs can't be chance: samples of many values each, or two columns that tell nearly all different samples apart."""
    if all(len(point.unique()) >= _VALUES for point in points):
        return True
    distinct = points.unique(dim=0)
    telling = [column for column in distinct.T if len(column.unique()) > 0.8 * len(distinct) and bool((column != column.round()).any())]
    return len(distinct) >= 4 and len(telling) >= 2


def _unexplained(told: Tensor, alike: Mapping[bytes, list[int]]) -> float:
    """The variance of numbers about the mean of their input, over that about the mean of all; 0 where few inputs repeat."""
    free = sum(len(rows) - 1 for rows in alike.values())
    if free < _REPEATS:
        return 0.0
    within = sum(float((told[rows] - told[rows].mean(0)).square().sum()) for rows in alike.values())
    return within / free / max(float((told - told.mean(0)).square().sum()) / (len(told) - 1), 1e-12)


def _text(answer: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in answer)


def _entropy(answers: list[tuple[float, ...]], alike: Mapping[bytes, list[int]]) -> float:
    """The mean over samples of -log of their label's share among those of the same input."""
    groups = [[answers[row] for row in rows] for rows in alike.values()]
    return -sum(log(group.count(answer) / len(group)) for group in groups for answer in group) / len(answers)
