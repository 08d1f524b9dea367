"""The report on an experiment that proves by its own numbers: checks are asked, and no cure is run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from .check import Check
from .correction import Source, edited
from .evidence import Confidence, Evidence, Finding, Severity
from .observation import Observation
from .report import Report


def judged(
    experiment: Observation,
    checks: Iterable[Check],
    read: Callable[[str], Source | None] = lambda file: None,
    alone: frozenset[tuple[str, int]] = frozenset(),
    **about: Any,
) -> Report:
    """What the checks say to it, most certain first. A check that can't cope with what it reads costs itself, and the report says so.

    read: gives the source of a file of the user's, for the lines that a fix would change. alone: lines that no fix can change.
    """
    findings: list[Finding] = []
    missed: list[str] = [*getattr(experiment, "unseen", ())]
    for check in checks:
        try:
            findings += [
                Finding(check, _without(evidence, alone), evidence.confidence) for evidence in check({type(experiment): experiment})
            ]
        except Exception as error:  # the user's training is done: what it cost must not be lost to a check of ours
            missed.append(f"{check.name}: {type(error).__name__}: {error}".splitlines()[0])
    best = ranked(findings)
    sources = tuple(source for file in edited(best) if (source := read(file)) is not None)
    return Report(experiment, best, not_examined=tuple(missed), sources=sources, **about)


def _without(evidence: Evidence, alone: frozenset[tuple[str, int]]) -> Evidence:
    """The evidence, without edits where one would change a line that is to be left alone."""
    touched = {spot for edit in evidence.fix.edits for spot in (edit.spot, getattr(edit, "to", edit.spot))}
    return dataclasses.replace(evidence, fix=dataclasses.replace(evidence.fix, edits=())) if touched & alone else evidence


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The surest of each name, most certain first."""
    best: dict[str, Finding] = {}
    for finding in sorted(findings, key=_rank):
        best.setdefault(finding.name, finding)
    return tuple(best.values())


def _rank(finding: Finding) -> tuple[bool, int, bool, int]:
    """Notes behind all that is wrong; then by certainty, structure before hyperparameters, errors before warnings."""
    sure, bad = list(Confidence).index(finding.confidence), list(Severity).index(finding.severity)
    return finding.severity is Severity.NOTE, sure, finding.check.hyperparameter, bad
