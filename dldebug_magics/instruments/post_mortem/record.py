"""What a traceback tells, in words only: it holds no object of the user's, and stands in a report where nothing can be run again."""

from __future__ import annotations

import dataclasses
import re
import traceback
from types import TracebackType
from typing import Any, ClassVar

from ...document import Block, Table
from ...engine.evidence import Finding
from ...engine.observation import Observation
from ..forms import forms
from ..source_edits import module_expression
from ..source_lines import NOWHERE, Line, is_users
from . import Failure, Phase


@dataclasses.dataclass(frozen=True)
class Record(Observation):
    """A failure written down. phase, line: where in the step and in the user's code; inside: the module, as the user writes it; rows: what
    else is known; unseen: what can't be; why: why that is all.
    """

    stage: ClassVar[str] = "run"
    passed: ClassVar[bool] = False

    kind: str
    message: str
    phase: Phase
    line: Line = NOWHERE
    inside: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    unseen: tuple[str, ...] = ()
    why: str = ""
    traceback: str = ""

    @classmethod
    def of(cls, failure: Failure, why: str = "") -> Record:
        """Write a failure down."""
        error, inside = failure.error, ""
        if failure.call is not None:
            inside = module_expression(failure.call.name or type(failure.call.what).__name__, failure.inside)
        rows = tuple(_rows(failure))
        text = "".join(traceback.format_exception(type(error), error, _users(error.__traceback__)))
        return cls(type(error).__name__, str(error), failure.phase, failure.line, inside, rows, failure.unseen, why, text)

    @property
    def first_line(self) -> str:
        """The message's first line."""
        return next(iter(self.message.strip().splitlines()), "")

    def told(self) -> str:
        """'RuntimeError in the forward pass, in `net.fc1`, at cell 3, line 12'."""
        phase = f" in the {self.phase.value}" if self.phase.value else ""
        inside = f"in `{self.inside}`" if self.inside else ""
        return ", ".join(filter(None, (f"{self.kind}{phase}", inside, f"at {self.line.place}" if self.line.place else "")))

    def like(self, kind: str, message: str) -> bool:
        """Whether another exception is the same one, up to the numbers in its message; a compiler has words of its own for any."""
        return any("compiled" in sentence for sentence in self.unseen) or (
            kind == self.kind and _without_numbers(message) == _without_numbers(self.message)
        )

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """What happened, and why there is no more to say."""
        return f"{self.told()}: {self.first_line.rstrip('.')}. {self.why}".strip()

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """All that the traceback tells."""
        return (Table("What the traceback tells", ("what", "seen"), self.rows),) if self.rows else ()


def _rows(failure: Failure) -> list[tuple[str, str]]:
    rows = [("the line", failure.line.source)] if failure.line.source else []
    for what, call in (("model", failure.call), ("loss", failure.loss)):
        if call is None:
            continue
        rows.append((what, " ".join(filter(None, (f"`{call.name}`" if call.name else "", type(call.what).__name__)))))
        given = [*((f"argument {place}", value) for place, value in enumerate(call.arguments, 1)), *call.keywords.items()]
        rows += [(f"{what}, {name}", _form(value)) for name, value in given]
    if failure.tensor is not None:
        rows.append((f"backward pass of{f' `{failure.name}`' if failure.name else ''}", _form(failure.tensor)))
    return [*rows, *(("not seen", sentence) for sentence in failure.unseen)]


def _form(value: Any) -> str:
    """The shapes in a value; its class where there are none."""
    return ", ".join(map(str, forms(value))) or type(value).__name__


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _users(entry: TracebackType | None) -> TracebackType | None:
    """The traceback from the user's first line on: what led to it is the notebook's."""
    rest = entry
    while rest is not None and not is_users(rest.tb_frame.f_code.co_filename):
        rest = rest.tb_next
    return rest or entry
