"""Whether validation labels are the training labels under other numbers: the best re-assignment of classes, and what it gains."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from .features import views
from .labels import targets_of
from .material import Material
from .probe import across, within

_MOST = 1000
_SURE, _MOST_LIKELY = 0.7, 0.5  # of a class's samples must be taken for the same other class; of a few classes' samples
_FEW = 0.25


@dataclasses.dataclass(frozen=True)
class Renumbered:
    """`moved` holds (label in validation, label in training) of classes named otherwise; accuracies are of a probe fitted on train."""

    moved: tuple[tuple[int, int], ...]
    before: float
    after: float
    in_train: float
    samples: int

    @property
    def offset(self) -> int:
        """The constant by which all moved labels differ, 0 where there is none."""
        steps = {there - here for here, there in self.moved}
        return steps.pop() if len(steps) == 1 else 0


def renumbered(train: Material, val: Material) -> Renumbered | None:
    """The re-assignment that a probe fitted on the training set asks for; None where nothing is to be moved, or it is not sure."""
    points, others = train.all_points(), val.all_points()
    mine, theirs = targets_of(train.all_labels()).numbers, targets_of(val.all_labels()).numbers
    if points is None or others is None or mine is None or theirs is None or points.shape[1:] != others.shape[1:] or len(others) < 50:
        return None
    classes = torch.cat([mine, theirs]).unique()
    if len(set(mine.tolist()) & set(theirs.tolist())) < max(2, len(classes) // 2) or len(points) < 10 * len(classes):
        return None
    here, there = _evenly(points), _evenly(others)
    seen = views(torch.cat([points[here], others[there]]))
    known, asked = torch.searchsorted(classes, mine[here]), torch.searchsorted(classes, theirs[there])
    return _judged(classes, known, asked, *_answers(seen, known, len(classes)))


def _answers(seen: list[Tensor], known: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The classes that the best probe gives to the training samples, each left out, and to those of validation."""
    columns, size = torch.nn.functional.one_hot(known, count).float(), len(known)
    inside = [(probe @ columns).argmax(1) for probe in within([view[:size] for view in seen])]
    best = max(range(len(inside)), key=lambda i: float((inside[i] == known).float().mean()))
    return inside[best], (across([v[:size] for v in seen], [v[size:] for v in seen])[best] @ columns).argmax(1)


def _judged(classes: Tensor, known: Tensor, asked: Tensor, inside: Tensor, said: Tensor) -> Renumbered | None:
    from scipy.optimize import linear_sum_assignment

    count = len(classes)
    table = torch.zeros(count, count).index_put_((asked, said), torch.ones(len(asked)), accumulate=True)
    to = torch.tensor(linear_sum_assignment(-table.numpy())[1])
    recall = [float((inside[known == c] == c).float().mean()) for c in range(count)]
    moved = [c for c in range(count) if to[c] != c and table[c].sum() >= 5]
    if not moved or _certainty(table, to, recall, moved) < _MOST_LIKELY or _certainty(table, to, recall, moved, _FEW) < _SURE:
        return None
    before, after = float((said == asked).float().mean()), float((said == to[asked]).float().mean())
    pairs = tuple((int(classes[c]), int(classes[to[c]])) for c in moved)
    found = Renumbered(pairs, before, after, float((inside == known).float().mean()), len(asked))
    return found if after - before > max(0.1, 5 * math.sqrt(0.25 / len(asked))) and after > 0.8 * found.in_train else None


def _certainty(table: Tensor, to: Tensor, recall: list[float], moved: list[int], but: float = 0.0) -> float:
    """The smallest share of a moved class's samples taken for its one other, or of that class known in the training set; but for a few."""
    each = sorted(min(float(table[c][to[c]] / table[c].sum()), recall[int(to[c])]) for c in moved)
    return each[int(but * len(each))]


def _evenly(points: Tensor) -> Tensor:
    count = min(_MOST, len(points))
    return torch.arange(count) * len(points) // count
