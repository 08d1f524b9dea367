"""What levels and the known irreducible error make together: the fields of the observation that come of them."""

from __future__ import annotations

from typing import Any

from ...engine.errors import UserMistake
from ...instruments.evaluation.kept import Whole
from ...instruments.evaluation.metrics import Metric
from .decomposition import Level, decomposed, placed
from .rungs import BEST, rung

_OF_ERRORS = ("error", "top-")  # the metrics that annotators' labels can be counted by
_SHARES = ("error", "top", "f1", "iou", "auroc")  # between 0 and 1
_NO_SHARES = ("loss", "rmse", "mae", "perplexity")


def together(metric: Metric | Whole, levels: list[Level], known: list[Level]) -> dict[str, Any]:
    """The rungs, the terms, the naive terms where train-val shows what they hide, and the dominant term."""
    known = [level for level in known if not level.samples or metric.name.startswith(_OF_ERRORS)]
    _in_unit(metric.name, known)
    best, all_levels = BEST.get(metric.name.partition("-")[0]), [*known[:1], *levels]
    found, ladder = decomposed(all_levels, metric.larger_is_better, best), placed(all_levels)
    without = [level for level in ladder if level.role != "train_val"]
    both = {"train", "train_val", "test_val"} <= {level.role for level in ladder}
    on_ladder = {level.given for level in ladder}
    return {
        "metric": metric.name,
        "larger_is_better": metric.larger_is_better,
        "is_share": all(0 <= level.value <= 1 for level in levels) and metric.name not in _NO_SHARES,
        "levels": tuple(map(rung, ladder)),
        "beside": tuple(rung(level) for level in (*known[1:], *levels) if level.given not in on_ladder),
        "terms": found.terms,
        "naive": decomposed(without, metric.larger_is_better, best).terms if both else (),
        "dominant": found.dominant,
    }


def _in_unit(metric: str, known: list[Level]) -> None:
    """A `UserMistake` where a known level can't be a value of the metric: 2 for an error rate of 2 %."""
    for level in known:
        if metric.partition("-")[0] in _SHARES and not 0 <= level.value <= 1:
            name = level.given.partition(",")[0]
            raise UserMistake(f"the {name} is {level.value:g}, and `{metric}` lies between 0 and 1", do="write 2 % as 0.02")
