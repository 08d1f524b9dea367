"""The trace in words: its verdict in one sentence, its table, and the exception unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...document import Block, Code, Details, Text
from ...engine.evidence import Finding
from ...instruments.forms import Form
from .part import part
from .table import tree

if TYPE_CHECKING:
    from . import ShapeTrace


def told(trace: ShapeTrace) -> str:
    """'it runs, output 32 x 10', or where it breaks."""
    failure = trace.failure
    if failure is None:
        return f"it runs, output {listed(trace.outputs)}" if trace.outputs else "it runs"
    place = f" in `{failure.module}`" if failure.module else ""
    line = f" at {failure.line.place}" if failure.line.place else ""
    return f"it breaks in the {phase(failure.phase)}{place}{line} ({failure.kind}: {failure.first_line})"


def phase(name: str) -> str:
    """A phase in the words of a sentence.

    >>> phase("forward"), phase("second pass")
    ('forward pass', 'second pass')
    """
    return {"forward": "forward pass", "backward": "backward pass", "step": "optimizer's step"}.get(name, name)


def sentence(trace: ShapeTrace, findings: tuple[Finding, ...]) -> str:
    """The first line of the report."""
    outcome = told(trace)
    if trace.failure is None:
        count = f", {trace.parameters:,} parameters"
        return f"{outcome[0].upper()}{outcome[1:]}{count}." + (f" But: {_named(findings)}." if findings else "")
    if not findings:
        return f"{outcome[0].upper()}{outcome[1:]}. No cause was proven."
    first = findings[0]
    cured = f" With {first.fix.done}, {first.cured.told()}." if first.cured is not None and first.fix.done else ""
    return f"{outcome[0].upper()}{outcome[1:]}. Why: {_named(findings)}.{cured}"


def _named(findings: tuple[Finding, ...]) -> str:
    return ", ".join(f"{f.name} ({f.confidence.value})" for f in findings)


def listed(found: tuple[Form, ...], most: int = 3) -> str:
    """Some shapes in a row.

    >>> listed((Form((2, 3)), Form((4,))))
    '2 x 3, 4'
    """
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(str(form) for form in found[:most]) + more


def blocks(trace: ShapeTrace) -> tuple[Block, ...]:
    """The table, what it doesn't show, and the traceback where the program broke."""
    shown = part(trace)
    found: list[Block] = [tree(shown.rows, shown.idle, trace.depth)] if trace.rows and (shown.rows or shown.idle) else []
    if trace.at:
        told = "Only" if shown.rows else "No call was seen of"
        found.insert(0, Text(f"{told} `{trace.at}` and what runs inside it; the whole trace has {len(trace.rows)} calls."))
    found += [Text(line) for line in trace.unseen]
    if trace.failure is not None:
        found.append(Details("The exception, unchanged", (Code(trace.failure.traceback),)))
    return tuple(found)
