"""Values and changes of the metric as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...instruments.pilots.effects import Effect
from ..bias_variance.reading import NAMES

if TYPE_CHECKING:
    from . import Improve

__all__ = ["NAMES", "effect", "number", "points"]


def number(seen: Improve, value: float) -> str:
    """A value of the metric: in percent where it is an error rate or the like."""
    return f"{100 * value:.1f} %" if seen.is_share else f"{value:.4g}"


def points(seen: Improve, value: float) -> str:
    """A change of it, with its sign."""
    return f"{100 * value:+.1f}" if seen.is_share else f"{value:+.3g}"


def effect(seen: Improve, found: Effect) -> str:
    """'-4.1 points (-5.0 to -3.1)'; of one seed alone without the span."""
    unit = " points" if seen.is_share else ""
    span = f" ({points(seen, found.low)} to {points(seen, found.high)})" if found.known else ""
    return f"{points(seen, found.value)}{unit}{span}"
