"""A report in words: one sentence, the changed line, the curves, the facts, what it is not, what it cost, and that nothing was changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..document import Block, Code, Details, Difference, Figure, Heading, Table, Text
from .evidence import Finding

if TYPE_CHECKING:
    from .again import Trial
    from .report import Report


def report_blocks(report: Report) -> tuple[Block, ...]:
    """All blocks of a report, in reading order."""
    found: list[Block] = [Text(line) for line in report.said]
    if report.stopped:
        found.append(Text(f"Stopped: {report.stopped}. What follows is what was seen until then.", strong=True))
    found.append(Text(report.sentence(), strong=True))
    for finding in report.findings:
        found.extend(_finding(finding))
    if report.experiment is not None:
        found.extend(report.experiment.document(report.alarms))  # type: ignore[call-arg]
    if report.tried:
        rows = [(t.name, t.change, t.code, t.outcome) for t in report.tried]
        found.append(Table("Changes that were tried, each on a copy", ("suspect", "change", "code", "then"), rows))
    if report.ruled_out:
        found.append(Table("Ruled out", ("suspect", "because"), [(r.name, r.because) for r in report.ruled_out]))
    if report.not_examined:
        found.append(Table("Not examined", ("what",), [(line,) for line in report.not_examined]))
    found.append(Text(footer(report)))
    return (*found, *_corrected(report))


def _corrected(report: Report) -> list[Block]:
    """The changed lines of the user's own source, and how to have them."""
    made = report.corrections
    blocks: list[Block] = [Difference(f"Corrected: {c.source.place}, without {', '.join(c.names)}", c.diff) for c in made]
    word = next((c.source.report for c in made if c.source.put is not None), "")
    return blocks + [Text(f"`{word}.apply()` puts the corrected cell below, to be run.")] * bool(word)


def _finding(finding: Finding) -> list[Block]:
    """One finding: its name, the fix, and the evidence."""
    evidence, where = finding.evidence, f" (in {finding.where})" if finding.where else ""
    head = f"{finding.severity.value.upper()}, {finding.confidence.value}: {finding.name}{where}"
    blocks: list[Block] = [Heading(head, level=4), Text(finding.check.title)]
    if finding.fix.sentence:
        blocks.append(Text(f"Fix: {finding.fix.sentence}"))
    if finding.fix.code:
        blocks.append(Code(finding.fix.code))
    rows = [(fact.what, fact.seen, fact.expected) for fact in evidence.facts]
    if rows:
        blocks.append(Table("Evidence", ("what", "seen", "in a sound program"), rows))
    if finding.again is not None:
        blocks.extend(_tried_again(finding.again))
    if evidence.refuted_by:
        blocks.append(Details("What would prove this wrong", (Text(evidence.refuted_by),)))
    return blocks


def _tried_again(trial: Trial) -> list[Block]:
    """What the loop did on copies, with and without the change."""
    curves: dict[str, Sequence[float]] = {"as it is": trial.pair.as_is, "with the change": trial.pair.corrected}
    return [Text(trial.outcome), Figure(trial.outcome, curves, across="optimizer step, on copies")]


def footer(report: Report) -> str:
    """The cost, and the checked promise; an experiment that runs nothing on copies has its own."""
    own = getattr(report.experiment, "footer", None)
    if own is not None and not report.left_behind:
        return own(report.steps)
    cost = f"{report.seconds:.1f} seconds, {report.steps} training steps on copies."
    if report.untouched is None:
        return cost
    if report.untouched:
        return f"{cost} Checked: model, loss, optimizer, random numbers, modes and hooks are bit-identical to before."
    return f"{cost} NOT as before: {', '.join(report.left_behind)}. This is a defect of dldebug; please report it."
