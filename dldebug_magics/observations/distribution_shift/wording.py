"""The comparison in words: its verdict in one sentence, and how numbers are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...engine.evidence import Confidence, Finding
from ...instruments.evaluation.bootstrap import Interval
from ..bias_variance.reading import NAMES
from .kinds import overall
from .sides import FEWEST

if TYPE_CHECKING:
    from . import DistributionShift
    from .matching import Part
    from .sides import Side


def number(seen: DistributionShift, value: float) -> str:
    """A mean error: in percent where it is an error rate."""
    return f"{100 * value:.1f} %" if seen.metric == "error" else f"{value:.3g}"


def span(seen: DistributionShift, found: Interval) -> str:
    """'25.1 % to 28.9 %'."""
    return f"{number(seen, found.low)} to {number(seen, found.high)}"


def part_told(seen: DistributionShift, part: Part) -> str:
    """'18.7 % (15.3 % to 21.8 %)'."""
    return f"{number(seen, part.value)} ({span(seen, part.interval)})"


def chance(p: float) -> str:
    """A p-value.

    >>> chance(0.0004), chance(0.5)
    ('p < 0.001', 'p = 0.5')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def sides(seen: DistributionShift) -> tuple[str, str]:
    """What source and target are called."""
    return tuple("" if side is None else NAMES[side.role] for side in (seen.source, seen.target))  # type: ignore[return-value]


def told(seen: DistributionShift) -> str:
    """What was compared, whether it differs, and the errors."""
    if seen.source is None or seen.target is None:
        return "no split was read before the time was spent"
    start = f"{_counted(seen.source)} against {_counted(seen.target)}"
    p = overall(seen)
    tested = "" if p is None else f": {'they differ' if seen.differs else 'no difference was seen'} ({chance(p)})"
    errors = "" if seen.gap is None else f"; {seen.metric} {number(seen, seen.gap.source)} and {number(seen, seen.gap.target)}"
    return f"{start}{tested}{errors}"


def _counted(side: Side) -> str:
    return f"{side.samples} samples of {NAMES[side.role]}"


def sentence(seen: DistributionShift, findings: tuple[Finding, ...]) -> str:
    """The first line of the report."""
    outcome = told(seen)
    if findings:
        first = findings[0]
        word = "Proven" if first.confidence is Confidence.PROVEN else first.confidence.value.capitalize()
        return f"{word}: {first.name}. {first.check.title} {outcome[:1].upper()}{outcome[1:]}."
    if seen.source is not None and seen.too_few:
        return f"Nothing can be told of fewer than {FEWEST} samples: {outcome}."
    if not seen.decided:
        return f"Not decided: {outcome}. Give it more time with --budget."
    return f"{_verdict(seen)} {outcome[:1].upper()}{outcome[1:]}."


def _verdict(seen: DistributionShift) -> str:
    here, there = sides(seen)
    if overall(seen) is None:
        return "Nothing could be compared: no input was read sample by sample, and the model was trained on one side."
    if not seen.differs:
        worse = seen.held_out and seen.gap is not None and seen.gap.hurts
        return f"No shift was seen from {here} to {there}{', though the error is higher' if worse else ''}."
    if seen.hurts is False:
        return f"{here[:1].upper()}{here[1:]} and {there} differ, and it does not hurt."
    return f"{here[:1].upper()}{here[1:]} and {there} differ; whether it hurts can't be told{_why(seen)}."


def _why(seen: DistributionShift) -> str:
    if seen.hurts:
        made = ", or from what a loader does by design" if seen.by_design else ", or from what was trained on" if seen.leaked else ""
        return f" apart from chance{made}"
    if seen.gap is None:
        return ", for no error is known on both sides"
    if not seen.gap.hurts:
        return f": the difference of the errors may be anything from {span(seen, seen.gap.interval)}"
    return f", for the model was trained on {sides(seen)[0]}: part of the gap, or all of it, may be over-fitting"
