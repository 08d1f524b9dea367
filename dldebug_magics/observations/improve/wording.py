"""What to do next as blocks: the changes by what they gain, the code of the best, the curves, and what was not piloted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...document import Block, Code, Heading, Table, Text
from .figures import figures
from .remarks import remarks
from .results import MORE_DATA
from .units import effect, number
from .verdict import eases, judge

if TYPE_CHECKING:
    from . import Improve
    from .ranking import Ranked
    from .results import Tried

_LEADS = {"%overfit_batch": "another model or other data: back to implement and debug, %overfit_batch"}
_LEADS |= {"%bias_variance": "the same model, tuned: back to evaluate, %bias_variance"}


def blocks(seen: Improve) -> tuple[Block, ...]:
    """The tables, the code and the figures."""
    if seen.term is None or seen.setting is None:
        return _untried(seen)
    rows = [_row(seen, found) for found in seen.ranked]
    heads = ("change", f"{seen.term.name}, 95 % interval", f"{judge(seen)}, 95 % interval", "", "cost", "risk")
    found: list[Block] = []
    if rows:
        found.append(Table(f"Each change on copies, what gains most first ({seen.metric}; below 0 is better)", heads, rows))
    best = next((one.tried for one in seen.ranked if one.helps and one.recommended and one.tried is not None), None)
    if best is not None:
        found += [Heading(f"{best.remedy}: {best.change}", level=4), *([Code(best.code)] * bool(best.code))]
        found.append(Text(f"Then: {_LEADS[best.leads_to]}."))
    found += figures(seen)
    return (*found, *_untried(seen), *(Text(line) for line in remarks(seen)))


def _row(seen: Improve, found: Ranked) -> tuple[str, ...]:
    one, name = found.tried, f"{found.remedy}: {found.what}"
    if one is None:
        return (name, "", effect(seen, found.effect), found.word, "samples to collect", "")
    term = f"{number(seen, one.before)} → {number(seen, one.after)}; {effect(seen, one.on_term)}"
    words = [found.word, "bias falls" * eases(seen, one), "" if found.recommended else "not recommended", one.stopped]
    return (name, term, effect(seen, one.effect), "; ".join(filter(None, words)), _cost(one), one.risk)


def _cost(one: Tried) -> str:
    found = [f"{one.pace:.2g}x the time a pass"]
    found += [f"{one.passes:g}x the passes"] * (one.passes != 1) + [f"{one.weights:.3g}x the weights"] * (one.weights != 1)
    return ", ".join(found)


def _untried(seen: Improve) -> tuple[Block, ...]:
    rows = [(found.remedy, found.change, found.why) for found in seen.untried]
    more = seen.more_data
    if more is not None and more.refused:
        rows.append((MORE_DATA, "by extrapolation", more.refused))
    return (Table("Not piloted", ("remedy", "change", "why"), rows),) if rows else ()
