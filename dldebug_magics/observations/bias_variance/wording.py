"""The decomposition in words: its verdict in one sentence, the rungs, the terms, and what would tell more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...document import Block, Code, Table, Text, Waterfall
from ...engine.evidence import Confidence, Finding
from ...instruments.evaluation.bootstrap import Interval
from .missing import cut_in_code, cut_in_words, missing
from .reading import NAMES as SPLITS
from .reading import ROLES
from .remarks import remarks

if TYPE_CHECKING:
    from . import BiasVariance
    from .decomposition import Term
    from .rungs import Rung

NAMES = {"best": "best possible", "irreducible": "irreducible", **SPLITS}
_SHOWN = {"rmse": "RMSE", "mae": "MAE", "f1": "F1", "iou": "IoU", "auroc": "AUROC"}


def number(seen: BiasVariance, value: float) -> str:
    """A value of the metric: in percent where it is an error rate or the like."""
    return f"{100 * value:.1f} %" if seen.is_share else f"{value:.4g}"


def shown(seen: BiasVariance) -> str:
    """The metric's name as it is written."""
    return _SHOWN.get(seen.metric, seen.metric)


def span(seen: BiasVariance, interval: Interval | None) -> str:
    """'25.1 % to 28.9 %'; empty where there is none."""
    return "" if interval is None else f"{number(seen, interval.low)} to {number(seen, interval.high)}"


def told(seen: BiasVariance) -> str:
    """The levels."""
    levels = ", ".join(f"{called(rung)} {number(seen, rung.value)}" for rung in seen.levels if rung.role != "irreducible")
    return f"{shown(seen)} on {levels}" if levels else "no split was read before the time was spent"


def called(rung: Rung) -> str:
    """What a rung is called: the user's `val` with the place that it took."""
    return f"val (as {NAMES[rung.role]})" if rung.given == "val" else NAMES[rung.role]


def sentence(seen: BiasVariance, findings: tuple[Finding, ...]) -> str:
    """The first line of the report."""
    outcome = told(seen)
    if findings:
        first = findings[0]
        word = "Proven" if first.confidence is Confidence.PROVEN else first.confidence.value.capitalize()
        return f"{word}: {first.name}. {first.check.title} {outcome[:1].upper()}{outcome[1:]}."
    if not seen.decided:
        return f"Not decided: {outcome}. Give it more time with --budget."
    return f"{outcome[:1].upper()}{outcome[1:]}. {_largest(seen)}"


def _largest(seen: BiasVariance) -> str:
    term = seen.dominant
    if term is not None:
        apart = ", not told apart" if len(term.parts) > 1 else ""
        return f"The largest term is {term.name}{apart}: {number(seen, term.value)} ({span(seen, term.interval)})."
    asked = [term for term in seen.terms if term.parts != ("irreducible error",)]
    if not asked:
        return "One split alone has no terms."
    if len(asked) == 1:
        return f"The one term, {asked[0].name}, {'is below 0' if asked[0].interval.high < 0 else 'could be chance'}."
    return "No term is the largest beyond chance."


def blocks(seen: BiasVariance) -> tuple[Block, ...]:
    """The tables and the figure."""
    if not seen.levels:
        return ()
    rows = [(_head(rung), _samples(rung), number(seen, rung.value), span(seen, rung.interval)) for rung in (*seen.levels, *seen.beside)]
    heads = ("split", "samples", f"{shown(seen)}{', more is better' if seen.larger_is_better else ''}", "95 % interval")
    found: list[Block] = [Table("The splits, in evaluation mode, with the weights as they are", heads, rows)]
    if seen.terms:
        found += [_terms(seen, "What the error is made of", seen.terms), figure(seen)]
    if seen.naive:
        found.append(_terms(seen, "The same without train-val, as it is often read: shift passes for variance", seen.naive))
    found += [Text(line) for line in remarks(seen)]
    for cut in seen.cuts:
        found += [Text(cut_in_words(cut)), *([Code(cut_in_code(cut))] * bool(cut.chosen))]
    said = missing(seen)
    return (*found, Table("What would tell more", ("what", "how"), said)) if said else tuple(found)


def _head(rung: Rung) -> str:
    return called(rung) if rung.given in ROLES else f"{NAMES[rung.role]}: {rung.given}"


def _samples(rung: Rung) -> str:
    of = f" of {rung.total}" if rung.total is not None and not rung.complete else ""
    return f"{rung.samples}{of}{'' if rung.complete else ', then the time was spent'}" if rung.samples else "given"


def _terms(seen: BiasVariance, caption: str, terms: tuple[Term, ...]) -> Table:
    rows = [
        (term.name, f"{NAMES[term.above]} - {NAMES[term.below]}", number(seen, term.value), span(seen, term.interval), word(seen, term))
        for term in terms
    ]
    return Table(caption, ("term", "is", "adds", "95 % interval", ""), rows)


def word(seen: BiasVariance, term: Term) -> str:
    """What is to be said of a term."""
    if term.parts == ("irreducible error",):
        return "given"
    return f"{'not told apart; ' * (len(term.parts) > 1)}{_judged(seen, term)}{', paired' * term.paired}"


def _judged(seen: BiasVariance, term: Term) -> str:
    if term.interval.high < 0:
        easier = "the level given is no floor" if term.below == "irreducible" else f"{NAMES[term.above]} is easier"
        return f"below 0 beyond chance: {easier}"
    if not term.interval.above_zero:
        return "could be chance"
    return "the largest" if term == seen.dominant else "real"


def figure(seen: BiasVariance) -> Waterfall:
    """The terms as steps from the first to the last."""
    scale, sign = (100.0 if seen.is_share else 1.0), (-1.0 if seen.larger_is_better else 1.0)
    start = seen.levels[-1].value - sign * sum(term.value for term in seen.terms)
    unit = "%" if seen.is_share else ""
    steps = tuple((term.name, sign * scale * term.value, scale * term.interval.low, scale * term.interval.high) for term in seen.terms)
    title = (
        f"{seen.metric[:1].upper()}{seen.metric[1:]} on {called(seen.levels[-1])}: {number(seen, seen.levels[-1].value)}. {_largest(seen)}"
    )
    return Waterfall(title, scale * start, steps, unit, called(seen.levels[-1]))
