"""Whether inputs say anything about labels: simple held-out probes, held against the same probes on permuted labels.

A probe is a matrix: the prediction for a sample is a weighted sum of the labels of *other* samples (its nearest neighbours, or a ridge
regression fitted without its fold). So a permutation of the labels costs one product, and classes and values are scored alike: by the
correlation of prediction and label.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

_NEIGHBOURS = 10
_FOLDS = 5
_PERMUTATIONS = 60
_PENALTY = 0.1  # of the number of samples


@dataclasses.dataclass(frozen=True)
class Strength:
    """How well the best probe predicts labels: `r` its correlation with them, `z` its distance from permuted labels in deviations of
    these, `p` the share of permutations whose best probe does as well, `most` what `r` could be at the outside.

    For classes, `accuracy` is the best probe's share of right answers and `chance` that of the most frequent class.
    """

    samples: int
    r: float
    z: float
    p: float
    most: float
    accuracy: float = math.nan
    chance: float = math.nan

    @property
    def found(self) -> bool:
        """A signal beyond doubt, and not a faint one."""
        return self.z > 6 and self.r > 0.2

    @property
    def strong(self) -> bool:
        """Nobody would overlook it."""
        return self.r > 0.4 and self.z > 5

    @property
    def absent(self) -> bool:
        """As with permuted labels, of which the best of several probes lies a deviation or two off."""
        return self.samples >= 100 and self.z < 3 and self.r < 0.2

    def below(self, other: Strength) -> bool:
        """Nothing beyond doubt here, and so many samples that a signal half as strong as the other's can't have been missed."""
        return self.z < 4 and self.most < 0.5 * other.r


def within(views: list[Tensor]) -> list[Tensor]:
    """The probes [n, n] that predict each sample from the others."""
    return [probe for view in views for probe in (_nearest(view, view, itself=True), _ridge_in_folds(view))]


def across(known: list[Tensor], asked: list[Tensor]) -> list[Tensor]:
    """The probes [asked, known] that predict the samples of one set from those of another."""
    return [probe for a, b in zip(known, asked, strict=True) for probe in (_nearest(a, b), _ridge(a, b))]


def strength(probes: list[Tensor], known: Tensor, answers: Tensor | None = None) -> Strength:
    """How well the probes tell `answers` from `known` labels (the same, where the probes are `within` one set)."""
    answers = known if answers is None else answers
    numbers = torch.Generator().manual_seed(0)
    shuffled = torch.stack([torch.randperm(len(answers), generator=numbers) for _ in range(_PERMUTATIONS)])
    best, scored, nulls = -math.inf, (0.0, 0.0, 0.0), []
    for probe in probes:
        guesses = probe @ known
        seen = float(_correlation(guesses, answers[None])[0])
        null = _permuted(probe, known, answers, shuffled)
        deviation = max(float(null.std()), 1e-6)
        nulls.append((null - null.mean()) / deviation)
        z = (seen - float(null.mean())) / deviation
        if z > best:
            best, scored = z, (seen, z, seen - float(null.mean()) + 3 * deviation)
    beaten = torch.stack(nulls).amax(0) >= best
    return Strength(len(answers), scored[0], scored[1], (1 + int(beaten.sum())) / (1 + _PERMUTATIONS), scored[2])


def _permuted(probe: Tensor, known: Tensor, answers: Tensor, shuffled: Tensor) -> Tensor:
    """The probe's correlations where labels are permuted: those it knows, too, where they are the ones it is asked for."""
    if known is not answers:
        return _correlation(probe @ known, answers[shuffled])
    mixed = answers[shuffled]
    guesses = (probe @ mixed.permute(1, 0, 2).flatten(1)).reshape(len(answers), len(shuffled), -1).permute(1, 0, 2)
    return _correlation(guesses, mixed)


def _correlation(guesses: Tensor, answers: Tensor) -> Tensor:
    """The correlation of guesses [.., n, c] with answers [p, n, c], over all columns at once."""
    centred = guesses - guesses.mean(-2, keepdim=True)
    spread = centred.square().sum((-1, -2)).sqrt() * answers.square().sum((-1, -2)).sqrt()
    return (centred * answers).sum((-1, -2)) / spread.clamp(min=1e-12)


def _nearest(known: Tensor, asked: Tensor, itself: bool = False) -> Tensor:
    """Each row a mean over the nearest known samples."""
    distances = torch.cdist(asked, known)
    if itself:
        distances.fill_diagonal_(math.inf)
    count = min(_NEIGHBOURS, max(1, len(known) // 8))
    nearest = distances.topk(count, largest=False).indices
    return torch.zeros(len(asked), len(known)).scatter_(1, nearest, 1 / count)


def _ridge(known: Tensor, asked: Tensor) -> Tensor:
    """Each row a ridge regression's weights for the known samples."""
    square = known.T @ known + _PENALTY * len(known) * torch.eye(known.shape[1])
    return asked @ torch.linalg.solve(square, known.T)


def _ridge_in_folds(view: Tensor) -> Tensor:
    fold = torch.randperm(len(view), generator=torch.Generator().manual_seed(1)).remainder(_FOLDS)
    probe = torch.zeros(len(view), len(view))
    for held in range(_FOLDS):
        inside, outside = (fold == held).nonzero()[:, 0], (fold != held).nonzero()[:, 0]
        probe[inside[:, None], outside] = _ridge(view[outside], view[inside])
    return probe
