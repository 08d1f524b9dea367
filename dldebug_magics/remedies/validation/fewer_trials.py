"""Fewer looks at validation."""

from __future__ import annotations

from collections.abc import Iterator

from ...engine.remedy import NotPiloted, remedy
from ...engine.subject import Subject


@remedy(place=2)
def fewer_trials(subject: Subject) -> Iterator[NotPiloted]:
    """Choose among fewer trials, or keep a split that no choice has seen.

    The best of many trials looks better on validation than it is: of n equally good ones the best is ahead by about sqrt(2 ln n) standard
    errors. A larger validation split makes the standard error smaller, fewer trials make the best less lucky.

    Not this when: few choices were made by validation; then test is worse for another reason, such as a shift.
    Costs: some settings stay untried.
    See: FSDL, "re-balancing datasets"; Dwork et al. 2015, "The reusable holdout"; Cawley & Talbot 2010.
    """
    yield NotPiloted("trials that were made can't be taken back: choose once more on a split that none of them has seen")
