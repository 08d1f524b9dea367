"""A report as plain values, and as a table: for programs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from .errors import UserMistake
from .evidence import Finding

if TYPE_CHECKING:
    from .report import Report


def as_dict(report: Report) -> dict[str, Any]:
    """Verdict, findings with facts and fixes, what was ruled out, and the cost."""
    return {
        "ok": report.ok,
        "verdict": report.sentence(),
        "seconds": round(report.seconds, 3),
        "steps": report.steps,
        "findings": [_finding(f) for f in report.findings],
        "diff": report.diff,
        "tried": [dataclasses.asdict(change) for change in report.tried],
        "ruled_out": {r.name: r.because for r in report.ruled_out},
        "not_examined": list(report.not_examined),
        "untouched": report.untouched,
        "stopped": report.stopped,
    }


def as_frame(report: Report) -> Any:
    """The findings as a pandas DataFrame, a row each."""
    try:
        import pandas
    except ImportError:
        raise UserMistake("pandas is not installed", do="pip install pandas") from None
    columns = ["name", "severity", "confidence", "where", "fix", "code"]
    rows = [[f.name, f.severity.value, f.confidence.value, f.where, f.fix.sentence, f.fix.code] for f in report.findings]
    return pandas.DataFrame(rows, columns=columns)


def _finding(finding: Finding) -> dict[str, Any]:
    facts = [dataclasses.asdict(fact) for fact in finding.evidence.facts]
    return {
        "name": finding.name,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "where": finding.where,
        "facts": facts,
        "fix": finding.fix.sentence,
        "code": finding.fix.code,
        "again": finding.again.outcome if finding.again is not None else "",
        "together_with": list(finding.together_with),
    }
