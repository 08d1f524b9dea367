"""Measuring what checks read, on one program: each thing once, what it needs before it, and a line for what could not be had."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from .batch import SIZE, cut
from .check import Check
from .deadline import TimeSpent
from .errors import UserMistake
from .observation import Observation, reads
from .subject import Subject
from .suspect import Suspect

Kind = type[Observation]


class Lends(Protocol):
    """Who hands out the program that is looked at."""

    def lend(self) -> contextlib.AbstractContextManager[Subject]: ...


@dataclasses.dataclass
class Measured:
    """What was seen so far of one program, around one experiment; it lives no longer than the examination."""

    lender: Lends
    experiment: Kind
    observed: dict[Kind, Any] = dataclasses.field(default_factory=dict)
    not_examined: list[str] = dataclasses.field(default_factory=list)
    asked: set[Kind] = dataclasses.field(default_factory=set)

    def for_checks(self, checks: Iterable[Check], deadline: float) -> Iterator[str]:
        """Measure all that these checks read; a line of progress after each bit of news."""
        for kind in dict.fromkeys(kind for check in checks for kind in check.reads.values()):
            yield from self.measure(kind, deadline)

    def measure(self, kind: Kind, deadline: float, **options: Any) -> Iterator[str]:
        """Measure one thing, and before it what it needs, unless that is done."""
        if kind in self.asked or kind in self.observed:
            return
        self.asked.add(kind)
        if kind is not self.experiment and kind.reads_numbers and self._without_numbers:
            return
        if kind is not self.experiment and time.monotonic() > deadline:
            self.not_examined.append(f"{kind.__name__}: the time budget was spent")
            return
        needed = reads(kind.measure)
        now = time.monotonic()
        for need in needed.values():
            yield from self.measure(need, now + kind.for_needs * (deadline - now))
        if not self.observed.keys() >= set(needed.values()):
            return  # what it would look at was not to be seen
        try:
            yield from self._looked({name: self.observed[need] for name, need in needed.items()}, kind, deadline, options)
        except UserMistake:
            if kind is self.experiment or self.experiment.needs_loss:
                raise  # else it is what reads a loss of a program that has none
        except Exception as error:  # a look that can't be had costs its checks, not the report, which says so
            if kind is self.experiment:
                raise
            if self._crashed and not self.experiment.needs_loss:
                return  # the crash is what is told, and what it leaves unseen is no news
            said = "the program crashed before" if self._crashed else f"{type(error).__name__}: {error}".splitlines()[0]
            self.not_examined.append(f"{kind.__name__}: {said}")
        except TimeSpent:
            self.not_examined.append(f"{kind.__name__} to its end: its share of the time was spent")

    def _looked(self, needs: dict[str, Any], kind: Kind, deadline: float, options: dict[str, Any]) -> Iterator[str]:
        with self.lender.lend() as lent:
            batch = lent.batch if kind is self.experiment or self._crashed else cut(lent.batch, SIZE)
            for seen in kind.measure(dataclasses.replace(lent, batch=batch, deadline=deadline), **needs, **options):
                self.observed[kind] = seen
                yield getattr(seen, "line", str)() if hasattr(seen, "line") else f"looking at {kind.__name__}"
                if time.monotonic() > deadline:
                    self.not_examined.append(f"{kind.__name__} to its end: its share of the time was spent")
                    break

    @property
    def _without_numbers(self) -> bool:
        return bool(getattr(self.observed.get(self.experiment), "on_meta", False))

    @property
    def _crashed(self) -> bool:
        return getattr(self.observed.get(self.experiment), "crash", None) is not None

    def suspects(self, checks: Iterable[Check]) -> list[Suspect]:
        """What the checks say to all this."""
        return [Suspect(check, evidence) for check in checks for evidence in check(self.observed)]
