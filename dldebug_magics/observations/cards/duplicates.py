"""Samples of the frozen batch with the same input: whether their labels agree, and whether such equals are to be expected."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from math import log

from torch import Tensor

from ...engine.call import split
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject

_VALUES = 12  # different values in a sample


@dataclasses.dataclass(frozen=True)
class DuplicateCard(Observation):
    """`disagreeing` samples share their input with others of another class; `floor` is the cross entropy that no model gets below, in nats.

    `pair` are the first two such samples and `labels` theirs. `repeatable`: inputs of few possible values, which repeat of themselves;
    `blank`: the inputs that repeat are constant, such as an empty picture.
    """

    samples: int
    disagreeing: int
    floor: float
    pair: tuple[int, int]
    labels: tuple[int, int]
    repeatable: bool
    blank: bool

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[DuplicateCard]:
        """Compare the inputs of the frozen batch; nothing is run."""
        if subject.step is not None or subject.loss_fn is None:
            return
        arguments, keywords, targets = split(subject, subject.batch)
        inputs = list(tensors((arguments, keywords)))
        labels = next(tensors(targets), None)
        if len(inputs) != 1 or labels is None or labels.is_floating_point() or not inputs[0].is_floating_point() or not inputs[0].ndim:
            return
        classes = labels.squeeze(1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
        points = inputs[0].detach().cpu().reshape(len(inputs[0]), -1)
        if classes.ndim != 1 or len(classes) != len(points):
            return
        alike: dict[bytes, list[int]] = defaultdict(list)
        for row, point in enumerate(points):
            alike[point.numpy().tobytes()].append(row)
        answers = classes.tolist()
        mixed = [rows for rows in alike.values() if len({answers[row] for row in rows}) > 1]
        first = next(((a, b) for rows in mixed for a in rows for b in rows if answers[a] != answers[b]), (0, 0))
        yield cls(
            samples=len(points),
            disagreeing=sum(map(len, mixed)),
            floor=sum(_entropy([answers[row] for row in rows]) for rows in alike.values()) / max(1, len(points)),
            pair=first,
            labels=(answers[first[0]], answers[first[1]]),
            repeatable=not _rich(points),
            blank=all(len(points[rows[0]].unique()) == 1 for rows in mixed),
        )


def _rich(points: Tensor) -> bool:
    """Whether equal inputs can't be chance: samples of many values each, or two columns that tell nearly all different samples apart."""
    if all(len(point.unique()) >= _VALUES for point in points):
        return True
    distinct = points.unique(dim=0)
    telling = [column for column in distinct.T if len(column.unique()) > 0.8 * len(distinct) and bool((column != column.round()).any())]
    return len(distinct) >= 4 and len(telling) >= 2


def _entropy(answers: list[int]) -> float:
    """The sum over samples of -log of their class's share among them."""
    return -sum(log(answers.count(answer) / len(answers)) for answer in answers)
