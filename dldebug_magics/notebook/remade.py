"""What must run again behind a changed cell, so that the model, the optimizer and the loaders are those of the changed program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..engine.edits.statements import Refused
from .typed import Statement


def remade(typed: Sequence[Statement], cell: int, wanted: Iterable[str]) -> list[str]:
    """The statements of later cells, as they were typed, that make the wanted names out of what the cell sets.

    >>> from dldebug_magics.notebook.typed import statements
    >>> remade(statements(["class Net: ...", "net = Net()", "rate = 1", "opt = SGD(net, rate)", "best = 3"]), 0, ["net", "opt"])
    ['net = Net()', 'opt = SGD(net, rate)']
    """
    wanted = set(wanted)
    unknown = wanted - {name for s in typed for name in s.sets}
    if unknown:
        raise Refused(f"what sets {', '.join(sorted(unknown))} was not typed here")
    own, later = [s for s in typed if s.cell == cell], [s for s in typed if s.cell > cell]
    begins = frozenset(name for s in own for name in s.touches)
    fresh, again = begins, list[tuple[Statement, frozenset[str]]]()
    for statement in later:
        if (statement.reads | statement.touches) & fresh:
            again.append((statement, fresh))
            fresh |= statement.touches
    kept = _kept(again, wanted)
    for statement, known in kept:
        _as_then(typed, statement, statement.reads - known)
    _as_then(typed, own[-1], frozenset(name for s in own for name in s.reads) - begins)
    left = [s for s in later if s.defines and s.sets & begins and s not in [one for one, _ in kept]]
    if left:
        raise Refused(f"{', '.join(sorted(left[0].sets))}: defined anew since")
    return [statement.text for statement, _ in kept]


def _kept(again: Sequence[tuple[Statement, frozenset[str]]], needed: set[str]) -> list[tuple[Statement, frozenset[str]]]:
    """Those of the statements that the needed names come from, in their order."""
    kept = []
    for statement, known in reversed(again):
        if not statement.touches & needed:
            continue
        if not statement.plain:
            raise Refused(f"what sets {', '.join(sorted(statement.touches & needed))} is more than a line")
        kept.append((statement, known))
        needed = (needed - statement.sets) | statement.reads
    return kept[::-1]


def _as_then(typed: Sequence[Statement], statement: Statement, read: frozenset[str]) -> None:
    """Refuse where a name that a statement reads is another one now than it was then."""
    since = typed[max(i for i, s in enumerate(typed) if s is statement) + 1 :]
    other = read & {name for s in since if not s.imports for name in s.sets}
    if other:
        raise Refused(f"{', '.join(sorted(other))}: set anew since")
