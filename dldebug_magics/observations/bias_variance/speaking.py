"""What speaks for a term, for the checks: the levels around it, its interval, the runner-up, and how bad it is."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ...engine.evidence import Fact, Severity
from .wording import NAMES, called, number, span

if TYPE_CHECKING:
    from . import BiasVariance
    from .decomposition import Term


def dominant(seen: BiasVariance, *parts: str) -> Term | None:
    """The dominant term, if it is made of these parts and large enough to matter."""
    term = seen.dominant
    return term if term is not None and term.parts == parts and seen.matters(term) else None


def easier(seen: BiasVariance) -> Term | None:
    """The step up from train, where what was not trained on is better beyond chance, and by as much as matters."""
    term = next((term for term in seen.terms if term.below == "train"), None)
    if term is None or term.interval.high >= 0:
        return None
    return term if seen.matters(dataclasses.replace(term, value=-term.value)) else None


def how_bad(seen: BiasVariance, term: Term) -> Severity:
    """A few percent are worth a note, more are a warning."""
    return Severity.WARNING if seen.matters(term) == "much" else Severity.NOTE


def facts(seen: BiasVariance, term: Term) -> tuple[Fact, ...]:
    """The two levels, the term, and the next largest."""
    sides = [found for found in seen.levels if found.role in (term.below, term.above)]
    levels = [Fact(f"{seen.metric}, {called(side)}", " ".join(filter(None, (number(seen, side.value), _in(side)))), "") for side in sides]
    size = Fact(f"{term.name}: {NAMES[term.above]} - {NAMES[term.below]}", f"{number(seen, term.value)}, 95 % interval {_span(seen, term)}")
    others = sorted((other for other in seen.terms if other != term and other.parts != ("irreducible error",)), key=lambda t: -t.value)
    return (
        *levels,
        size,
        *(Fact(f"the next largest: {other.name}", f"{number(seen, other.value)} ({_span(seen, other)})") for other in others[:1]),
    )


def _span(seen: BiasVariance, term: Term) -> str:
    return span(seen, term.interval)


def _in(side: object) -> str:
    samples = getattr(side, "samples", 0)
    return f"in {samples} samples" if samples else "as given"
