"""Which term, which remedies, and on which split they are judged."""

from __future__ import annotations

import dataclasses
import difflib

from ...engine.errors import UserMistake
from ...engine.remedy import Remedy
from ...remedies import TERMS, remedies
from ..bias_variance import BiasVariance
from ..bias_variance.decomposition import Term

ROOMS = {"bias": "bias", "variance": "variance", "distribution shift": "shift", "validation over-fitting": "validation"}
LARGEST = "largest"


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The term, the folders of its remedies in the guide's order, the rung that judges, and all rungs that are looked at, from below.

    sides: the term as a sum of measured rungs (weight, role); `fixed` is what its given side adds (a human level, the best value).
    """

    term: Term
    rooms: tuple[str, ...]
    judge: str
    roles: tuple[str, ...]
    sides: tuple[tuple[float, str], ...]
    fixed: float


def chosen(seen: BiasVariance, asked: str) -> Chosen | None:
    """By the dominant term, or by what is asked for: a part of a term, or the largest. None where nothing is dominant and nothing asked."""
    term = seen.dominant if not asked else _asked(seen, asked)
    if term is None:
        return None
    rooms = rooms_of(term)
    measured = [rung.role for rung in seen.levels if rung.samples and rung.role != "irreducible"]
    held_out = [role for role in measured if role in ("train_val", "test_val")] or [role for role in measured if role == "test"]
    if not held_out:
        raise UserMistake("no held-out data to judge a change on", expected="a validation set", do="name one: --val val_loader")
    wanted = {"train", term.below, term.above, held_out[-1]}
    sign = -1.0 if seen.larger_is_better else 1.0
    sides = tuple((weight, role) for weight, role in ((sign, term.above), (-sign, term.below)) if role in measured)
    fixed = term.value - sum(weight * rung.value for weight, role in sides for rung in seen.levels if rung.role == role)
    roles = tuple(role for role in measured if role in wanted)
    return Chosen(term, rooms, held_out[-1], roles, sides, fixed)


def rooms_of(term: Term) -> tuple[str, ...]:
    """The folders of a term's remedies, in the guide's order; none where nothing can be done about it."""
    return tuple(room for part, room in ROOMS.items() if part in term.parts)


def _asked(seen: BiasVariance, asked: str) -> Term:
    terms = [term for term in seen.terms if any(part in ROOMS for part in term.parts)]
    if asked == LARGEST and terms:
        return max(terms, key=lambda term: term.value)
    names = [*TERMS, LARGEST]
    if asked not in names:
        close = difflib.get_close_matches(asked, names, n=1)
        raise UserMistake(f"no term `{asked}`", expected=f"one of {', '.join(names)}", do=f"did you mean {close[0]}?" if close else "")
    found = next((term for term in terms if asked in (ROOMS.get(part) for part in term.parts)), None)
    if found is None:
        if seen.not_read:
            raise UserMistake(f"the time was spent before {', '.join(seen.not_read)} was read", do="give it more with --budget")
        there = ", ".join(term.name for term in terms) or "none"
        raise UserMistake(f"your splits show no {asked}; the terms are: {there}", do="name the split that would show it")
    return found


def picked(only: str) -> tuple[str, ...]:
    """The names that are asked for; empty where all are.

    >>> picked("tuned, bigger_model"), picked("")
    (('tuned', 'bigger_model'), ())
    """
    return tuple(filter(None, (name.strip(" \"'") for name in only.split(","))))


def listed(rooms: tuple[str, ...], only: tuple[str, ...], also: tuple[str, ...] = ()) -> list[Remedy]:
    """The remedies in the guide's order; `only` some of them, or of those that are known beside them (`also`)."""
    found = [remedy for room in rooms for remedy in remedies(room)]
    names = [*(remedy.name for remedy in found), *also]
    for unknown in (name for name in only if name not in names):
        close = difflib.get_close_matches(unknown, names, n=1)
        known = ", ".join(dict.fromkeys(names))
        raise UserMistake(f"no remedy `{unknown}` for this term", do=f"did you mean {close[0]}?" if close else f"there are {known}")
    return [remedy for remedy in found if not only or remedy.name in only]
