"""What levels and the known irreducible error make together: the fields of the observation that come of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from ...engine.errors import UserMistake
from .decomposition import Level, decomposed, placed
from .irreducible import ANNOTATORS, HUMAN, fixed
from .rungs import BEST, rung

if TYPE_CHECKING:
    from . import BiasVariance

_OF_ERRORS = ("error", "top-")  # the metrics that annotators' labels can be counted by
_SHARES = ("error", "top", "f1", "iou", "auroc")  # between 0 and 1
_NO_SHARES = ("loss", "rmse", "mae", "perplexity")


def together(metric: str, larger_is_better: bool, levels: list[Level], known: list[Level]) -> dict[str, Any]:
    """The rungs, the terms, the naive terms where train-val shows what they hide, and the dominant term."""
    known = [level for level in known if level.given != ANNOTATORS or metric.startswith(_OF_ERRORS)]
    _in_unit(metric, known)
    best, all_levels = BEST.get(metric.partition("-")[0]), [*known[:1], *levels]
    found, ladder = decomposed(all_levels, larger_is_better, best), placed(all_levels)
    without = [level for level in ladder if level.role != "train_val"]
    both = {"train", "train_val", "test_val"} <= {level.role for level in ladder}
    on_ladder = {level.given for level in ladder}
    return {
        "metric": metric,
        "larger_is_better": larger_is_better,
        "is_share": all(0 <= level.value <= 1 for level in levels) and metric not in _NO_SHARES,
        "levels": tuple(map(rung, ladder)),
        "beside": tuple(rung(level) for level in (*known[1:], *levels) if level.given not in on_ladder),
        "terms": found.terms,
        "naive": decomposed(without, larger_is_better, best).terms if both else (),
        "dominant": found.dominant,
        "measured": (*known, *levels),
    }


def what_if(seen: BiasVariance, left_out: Collection[str], human: float | None) -> BiasVariance:
    """The same splits without those left out and with another human level (None: none), from the same resamples; nothing is read again."""
    levels = [level for level in seen.measured if level.role != "irreducible" and level.role not in left_out]
    known = [level for level in seen.measured if level.role == "irreducible" and level.given != HUMAN]
    known = [*([fixed(human, "human", HUMAN)] if human is not None else []), *known]
    found = {**together(seen.metric, seen.larger_is_better, levels, known), "measured": seen.measured, "is_share": seen.is_share}
    names = {level.role for level in levels}
    return dataclasses.replace(
        seen,
        **found,
        repeated=tuple(pair for pair in seen.repeated if {pair.here, pair.there} <= names),
        conflicts=tuple(conflict for conflict in seen.conflicts if conflict.role in names),
        sureness=tuple(sure for sure in seen.sureness if sure.role in names),
        one_answer=tuple(role for role in seen.one_answer if role in names),
    )


def _in_unit(metric: str, known: list[Level]) -> None:
    """A `UserMistake` where a known level can't be a value of the metric: 2 for an error rate of 2 %."""
    for level in known:
        if metric.partition("-")[0] in _SHARES and not 0 <= level.value <= 1:
            name = level.given.partition(",")[0]
            raise UserMistake(f"the {name} is {level.value:g}, and `{metric}` lies between 0 and 1", do="write 2 % as 0.02")
