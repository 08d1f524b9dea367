"""The same program with one thing otherwise, as the options ask for it: another rate, no regularisation. Made on each loan."""

from __future__ import annotations

import math
from typing import Any

from ...cures.learning_rate import times
from ...cures.regularisation import without_dropout, without_weight_decay
from ...engine.errors import UserMistake
from ...engine.subject import Subject


def varied(lent: Subject, *, lr_factor: float = 1.0, regularisation: bool = True, **_: Any) -> Subject:
    """A loan with its learning rates multiplied, and without dropout and weight decay where `regularisation` is off."""
    if not (math.isfinite(lr_factor) and lr_factor > 0):
        raise UserMistake(f"a learning rate can't be multiplied by {lr_factor:g}", expected="a factor above 0", do="write --lr-factor 10")
    if lr_factor != 1:
        lent = times(lr_factor)(lent)
    return lent if regularisation else without_dropout(without_weight_decay(lent))


def told(batch: int, lr_factor: float, regularisation: bool) -> str:
    """What is otherwise than in the user's program, for the report; empty where nothing is.

    >>> told(2, 10.0, False), told(0, 1.0, True)
    ('batch 2, learning rates times 10, no dropout and no weight decay', '')
    """
    parts = (batch and f"batch {batch}", lr_factor != 1 and f"learning rates times {lr_factor:g}")
    return ", ".join(part for part in (*parts, not regularisation and "no dropout and no weight decay") if part)
