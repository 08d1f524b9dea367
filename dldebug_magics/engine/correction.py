"""The user's own source with the fixes of a report made in it: what a diff shows, and what the next cell is given."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Sequence

from .edits import Edit, corrected
from .errors import UserMistake
from .evidence import Finding, Severity

_AROUND = 2  # lines that are shown around a change


@dataclasses.dataclass(frozen=True)
class Source:
    """A file or a cell of the user's, as they typed it: `place` is their word for it.

    `put` shows a text to them below the watched cell, and `report` is what they call the report there.
    """

    file: str
    place: str
    text: str
    put: Callable[[str], None] | None = dataclasses.field(default=None, repr=False, compare=False)
    report: str = "report"


@dataclasses.dataclass(frozen=True)
class Correction:
    """A source, what it becomes, and the findings that are cured by it."""

    source: Source
    text: str
    names: tuple[str, ...]

    @property
    def diff(self) -> str:
        """The changed lines and those around them, as a unified diff."""
        old, new = self.source.text.splitlines(), self.text.splitlines()
        place = self.source.place
        return "\n".join(difflib.unified_diff(old, new, place, f"{place}, corrected", lineterm="", n=_AROUND))

    @property
    def in_words(self) -> str:
        """The same in one line."""
        lines = [(line[0], line[1:].strip()) for line in self.diff.splitlines()[2:]]
        gone, come = ("; ".join(text for sign, text in lines if sign == mark and text) for mark in "-+")
        return f"{f'in place of `{gone}` ' if gone else ''}{f'write `{come}`' if come else 'write nothing'}"


def edited(findings: Iterable[Finding]) -> list[str]:
    """The files that the fixes of findings would change."""
    return list(dict.fromkeys(edit.spot[0] for finding in findings for edit in finding.fix.edits if edit.spot[0]))


def corrections(findings: Sequence[Finding], sources: Iterable[Source]) -> tuple[Correction, ...]:
    """What the fixes of the most certain alarms make of the sources: one correction a source that they change.

    A finding is cured whole or not at all: it is left out where one of its edits can't be made for certain, or not beside those before it.
    """
    known = {source.file: source for source in sources}
    alarms = [f for f in findings if f.severity is not Severity.NOTE]
    made: dict[str, list[Edit]] = {}
    names: dict[str, list[str]] = {}
    for finding in (f for f in alarms if f.fix.edits and f.confidence is alarms[0].confidence):
        wanted = {file: list(edits) for file, edits in made.items()}
        for edit in finding.fix.edits:
            wanted.setdefault(edit.spot[0], []).extend([edit] if edit not in made.get(edit.spot[0], ()) else [])
        if all(file in known and corrected(known[file].text, edits) is not None for file, edits in wanted.items()):
            made = wanted
            for file in {edit.spot[0] for edit in finding.fix.edits}:
                names.setdefault(file, []).append(finding.name)
    return tuple(Correction(known[file], corrected(known[file].text, edits) or "", tuple(names[file])) for file, edits in made.items())


def put(found: Sequence[Correction]) -> None:
    """Show the corrected cell below the one that was watched. What is to be changed elsewhere is a mistake to be told of, in one line."""
    if not found:
        raise UserMistake("no finding of this report has a change of lines that is certain", do="see the fix of each finding")
    for correction in found:
        if correction.source.put is not None:
            correction.source.put(correction.text)
    elsewhere = [c for c in found if c.source.put is None]
    if elsewhere:
        told = "; ".join(f"{c.source.place}: {c.in_words}" for c in elsewhere)
        raise UserMistake(f"the change lies in {', '.join(c.source.place for c in elsewhere)}, not in a watched cell", do=told)
