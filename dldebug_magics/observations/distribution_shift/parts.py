"""What the comparison finds, in plain values: how far apart the splits are, and the columns and the regions that differ."""

from __future__ import annotations

import dataclasses

from ...instruments.evaluation.bootstrap import Interval
from ...instruments.shift.separation import Separation


@dataclasses.dataclass(frozen=True)
class Apart:
    """How well a classifier tells the splits apart by what is named `by`: the area under its ROC curve, 0.5 by chance."""

    by: str
    auc: float
    interval: Interval
    p: float

    @property
    def told(self) -> str:
        """'AUC 0.826 (0.802 to 0.849)'."""
        return f"AUC {self.auc:.3f} ({self.interval.low:.3f} to {self.interval.high:.3f})"


def apart(found: Separation, by: str) -> Apart:
    """A separation without the score of each sample."""
    return Apart(by, found.auc, found.interval, found.p)


@dataclasses.dataclass(frozen=True)
class Feature:
    """A column of the inputs that differs, what is seen of it on either side, and the p-value after correction for all that were asked."""

    name: str
    source: str
    target: str
    statistic: float
    adjusted: float


@dataclasses.dataclass(frozen=True)
class Region:
    """Samples that a rule picks: their share on either side, and the errors there (None: not known)."""

    rule: str
    shares: tuple[float, float]
    errors: tuple[float | None, float | None]
    p: float
