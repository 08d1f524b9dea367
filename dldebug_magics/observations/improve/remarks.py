"""How the pilots were run, and what that leaves open: what a reader must know before believing a number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .rounds import FIRST_ROUND
from .units import NAMES, number

if TYPE_CHECKING:
    from . import Improve

_INTERVALS = (
    "Each interval, by itself, holds the chance of seeds (t interval, paired by seed) and of samples (bootstrap, paired by sample)."
)

_FIRST = f"'{FIRST_ROUND}': one seed and a quarter of the samples, in which others did better; there was not the time for more."


def remarks(seen: Improve) -> list[str]:
    """Line by line."""
    setting = seen.setting
    assert setting is not None, "asked where there is one"
    of = f" of {setting.total}" if setting.total not in (None, setting.samples) else ""
    begun = "from new weights" if setting.anew else f"from your own weights ({setting.why_not_anew})"
    run = (
        f"Each run sees {setting.seen} samples: {setting.seen / max(1, setting.samples):.3g} passes over {setting.samples}{of} training "
        f"samples{_shorter(setting.of_training)}, {begun}, with each of {setting.seeds} seeds, by your loss and optimizer in a "
        f"plain loop without the schedule, clipping or warm-up that your own may have. It is judged on {setting.judged_samples} samples of "
        f"{NAMES.get(setting.judged_on, setting.judged_on)}."
    )
    again = f"Your model has {number(seen, setting.own)} there; trained again like this, it has {number(seen, setting.again)}."
    first = [_FIRST] if any(found.stopped == FIRST_ROUND for found in seen.tried) else []
    return [run, *first, *([again] if math.isfinite(setting.again) else []), _INTERVALS]


def _shorter(share: float) -> str:
    """What a run lacks of the user's own training.

    >>> _shorter(0.5), _shorter(1.0)
    (' (50 % of what your own training had: more time, --budget, would tell more)', '')
    """
    return "" if share >= 0.9 else f" ({100 * share:.0f} % of what your own training had: more time, --budget, would tell more)"
