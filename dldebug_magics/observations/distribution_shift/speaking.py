"""What speaks for a kind of shift, for the checks: how different, how much worse, and what of that its own mixture explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from . import kinds
from .wording import chance, number, part_told, sides, span

if TYPE_CHECKING:
    from . import DistributionShift


def evidence(seen: DistributionShift, fix: Fix, facts: tuple[Fact, ...], refuted_by: str) -> Evidence:
    """Evidence for a check whose kind it is, with what all kinds show."""
    return Evidence(
        _confidence(seen),
        facts=(*_common(seen), *facts),
        where=seen.target.role if seen.target is not None else "",
        fix=fix,
        always=True,
        refuted_by=refuted_by,
        severity=_severity(seen),
    )


def _surely(seen: DistributionShift) -> bool:
    """Whether chance would show it once in a hundred times, or a gap on the same inputs once in two thousand; and neither a loader made it
    nor samples of the source that the model was trained on."""
    far = seen.kind == kinds.CONCEPT and seen.gap is not None and seen.gap.far
    return (kinds.differs(seen, kinds.SURE) or far) and not seen.by_design and not seen.leaked


def _severity(seen: DistributionShift) -> Severity:
    """A warning where it clearly hurts; else a note, which is no alarm."""
    clearly = seen.hurts and seen.gap is not None and seen.gap.clear
    return Severity.WARNING if clearly and _surely(seen) else Severity.NOTE


def _confidence(seen: DistributionShift) -> Confidence:
    """A hint where a loader may have made it, where chance may have, and where nobody can tell whether it hurts."""
    return Confidence.LIKELY if seen.hurts is not None and _surely(seen) else Confidence.HINT


def _common(seen: DistributionShift) -> tuple[Fact, ...]:
    here, there = sides(seen)
    p = kinds.overall(seen)
    found = [] if p is None else [Fact("all tests together, if nothing differed", chance(p), "p > 0.05")]
    if seen.apart is not None:
        found.append(Fact(f"{here} and {there} told apart by {seen.apart.by}", seen.apart.told, "0.5"))
    if seen.features:
        first = seen.features[0]
        found.append(Fact(first.name, f"{first.source} in {here}, {first.target} in {there}", "the same"))
    if seen.gap is not None:
        errors = f"{number(seen, seen.gap.source)} in {here}, {number(seen, seen.gap.target)} in {there}"
        found.append(Fact(seen.metric, f"{errors}; difference {span(seen, seen.gap.interval)}", "the same"))
    return tuple(found)


def mixture(seen: DistributionShift, word: str) -> tuple[Fact, ...]:
    """What of the gap the mixture of "inputs" or "classes" makes, and what is left without it."""
    found = seen.by_inputs if word == "inputs" else seen.by_classes
    if found is None:
        return ()
    facts = [Fact(f"of the gap, made by the mixture of {word}", part_told(seen, found.moved[0]))]
    left = Fact(f"left on the same mixture of {word}", part_told(seen, found.left[0]))
    return (*facts, left) if seen.held_out else tuple(facts)
