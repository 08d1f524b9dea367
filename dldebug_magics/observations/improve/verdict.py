"""The verdict of pilots in one sentence: the term, what helped, and how far that is to be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .units import NAMES, effect, number

if TYPE_CHECKING:
    from . import Improve
    from .results import Tried

_LONG_ENOUGH = 0.5  # of the user's own training


def told(seen: Improve) -> str:
    """The term, and what helped, in half a sentence."""
    if seen.term is None:
        return "no term of the error is the largest beyond chance"
    helped = [found for found in seen.ranked if found.helps and found.recommended]
    return f"{seen.term.name} {number(seen, seen.term.value)}, {len(helped)} of {_count(seen)} helped"


def sentence(seen: Improve) -> str:
    """The first line of the report."""
    if seen.term is None:
        return _no_term(seen)
    span = f"{number(seen, seen.term.interval.low)} to {number(seen, seen.term.interval.high)}"
    size = f"{number(seen, seen.term.value)} ({span})"
    is_what = "is the largest term" if seen.dominant else "was asked for, and is not the largest term beyond chance"
    return f"{_capital(seen.term.name)}, {size}, {is_what}. {_outcome(seen)}"


def _no_term(seen: Improve) -> str:
    if not seen.terms:
        return "Nothing to improve was seen: the splits that were read show no term of the error."
    terms = ", ".join(f"{term.name} {number(seen, term.value)}" for term in seen.terms if term.parts != ("irreducible error",))
    return (
        f"No term of the error is the largest beyond chance ({terms}), so no remedy is tried. --term largest tries those for the largest."
    )


def _outcome(seen: Improve) -> str:
    if seen.crash_in_pilot:
        return f"Nothing could be piloted: your program as it is, trained again on a copy: {seen.crash_in_pilot}."
    if not seen.ranked:
        return "No remedy could be piloted; the table says why." if seen.over else "No pilot is over yet."
    of = f"Of {_count(seen)} tried on copies"
    helped = [found for found in seen.ranked if found.helps and found.recommended]
    if not seen.decided:
        return f"{of} none has two seeds yet. Give it more time with --budget."
    if not helped:
        return f"{of} none is told apart from no change{f' on {judge(seen)}' if seen.setting else ''}.{_easing(seen)}"
    said = "; ".join(f"{found.what} ({effect(seen, found.effect)} on {judge(seen)})" for found in helped[:3])
    more = f"; and {len(helped) - 3} more" if len(helped) > 3 else ""
    return f"{of} {_number(len(helped))} helped: {said}{more}. {_advice(seen, helped[0].what)}"


def _easing(seen: Improve) -> str:
    """The change that lowers the term most, where no change lowers the error that it is a part of."""
    found = [one.tried for one in seen.ranked if one.recommended and one.tried is not None and eases(seen, one.tried)]
    best = min(found, key=lambda one: one.on_term.high, default=None)
    if best is None or seen.term is None:
        return ""
    return f" The {seen.term.name} itself falls most with {best.change}: {effect(seen, best.on_term)}."


def eases(seen: Improve, one: Tried) -> bool:
    """Whether bias falls beyond chance, though the error on the judging split is not told apart: a shift may hide the gain.

    Of other terms this says nothing: variance falls, too, where the error on train rises.
    """
    is_bias = seen.term is not None and seen.term.below in ("best", "irreducible") and seen.term.above == "train"
    return is_bias and one.on_term.below_zero and not one.helps and not one.effect.above_zero


def _advice(seen: Improve, best: str) -> str:
    """What to try first. What helps a program that is hardly trained may harm one that is."""
    share = seen.setting.of_training if seen.setting is not None else 1.0
    if share >= _LONG_ENOUGH:
        return f"Try first: {best}."
    return f"A hint, no more: these runs were {100 * share:.0f} % as long as your own training. Give it more time with --budget."


def judge(seen: Improve) -> str:
    return NAMES.get(seen.setting.judged_on, seen.setting.judged_on) if seen.setting is not None else "held-out data"


def _count(seen: Improve) -> str:
    """'six changes'."""
    count = len(seen.ranked)
    return f"{_number(count)} change{'' if count == 1 else 's'}"


def _number(count: int) -> str:
    words = "no one two three four five six seven eight nine ten eleven twelve".split()
    return words[count] if count < len(words) else str(count)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
