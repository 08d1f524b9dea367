"""What a panel asks, again and again: words, not objects. A model that was defined anew is the one that is looked at next."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from ..arguments import Line, parse
from ..candidates import by_part
from ..names import Names
from ..options import COMMON, ROLES, Option
from ..roles import FIELDS, assigned

if TYPE_CHECKING:
    from ...engine.report import Report
    from ..spoken import Spoken

_OFFERED = ("model", "loss", "optimizer", "train")
_FOR_ANY_SPLIT = ("val", "test")


class Request:
    """An experiment, and the line that it was asked with. `given`: the line's options as text, what stood by place too."""

    def __init__(self, spoken: Spoken, line: str, names: Names):
        self.spoken, self.names = spoken, names
        typed = parse(line, spoken.options())
        flagged = {name: text for name, text in typed.options.items() if name in FIELDS}
        flags = {field: flag for flag, field in FIELDS.items()}
        placed = {flags[field]: named.text for field, named in assigned(typed.positional, flagged, names).items()}
        self.given = {**typed.options, **placed}

    def options(self) -> list[Option]:
        """What has a control: the parts of the program, the experiment's own options, its budget and seed."""
        from ... import ask

        experiment, known = ask.experiment(self.spoken.name), self.spoken.options()
        shared = {option.name for option in (*ROLES, *COMMON)}
        parts = [*_OFFERED, *(_FOR_ANY_SPLIT if experiment.any_split else ())]
        parts += [name for name in known if name in FIELDS and name in self.given and name not in parts]
        own = [name for name in known if name not in shared]
        return [known[name] for name in (*parts, *own, "budget", "seed")]

    def fitting(self) -> dict[str, list[str]]:
        """The names in the notebook that each part could be, now."""
        found = by_part(self.names.visible())
        found["test"] = found["val"]
        return {part: list(names) for part, names in found.items()}

    def reports(self, typed: Mapping[str, str], **more: Any) -> Generator[Report, None, Any]:
        """Ask with these options; every name is looked up now."""
        return self.spoken.reports(Line((), dict(typed)), self.names, **more)

    def record(self, report: Report) -> None:
        """Keep the verdict for `%dldebug`."""
        self.spoken.session.record(self.spoken.name, report)
