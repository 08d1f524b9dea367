"""A check: one cause of trouble, as a pure function of observations, with the two programs that test it.

The file is the registration: its name is the check's name, its folder the stage, its docstring the page, its annotations what it reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .evidence import Evidence, Severity
from .observation import Observation, reads

Example = Callable[[], Any]  # a Subject; for the stage `loop`, a function without arguments that trains


class Check:
    """One cause. Call it with what was observed and it yields `Evidence`; made by the decorator `@check`."""

    def __init__(self, function: Callable[..., Iterable[Evidence]], severity: Severity, hyperparameter: bool, also: tuple[str, ...]):
        self.function, self.severity, self.hyperparameter, self.also = function, severity, hyperparameter, also
        self.name = function.__name__
        self.stage = function.__module__.split(".")[-2]
        self.page = inspect.cleandoc(function.__doc__ or "")
        self.title = self.page.partition("\n")[0]
        self.reads = reads(function)
        self.bad_examples: list[Example] = []
        self.good_examples: list[Example] = []

    def __call__(self, observed: Mapping[type[Observation], Observation]) -> list[Evidence]:
        """The evidence in what was observed; nothing when something it reads was not observed."""
        needs = {name: observed.get(kind) for name, kind in self.reads.items()}
        return [] if None in needs.values() else list(self.function(**needs))

    def bad(self, example: Example) -> Example:
        """Register a program with this fault: a function without arguments that returns a Subject, or for `loop` one that trains."""
        self.bad_examples.append(example)
        return example

    def good(self, example: Example) -> Example:
        """Register the same program without the fault, or one that only looks as if it had it."""
        self.good_examples.append(example)
        return example

    def __repr__(self) -> str:
        return f"<check {self.stage}/{self.name}>"


def check(
    *, severity: Severity, hyperparameter: bool = False, also: tuple[str, ...] = ()
) -> Callable[[Callable[..., Iterable[Evidence]]], Check]:
    """Make a function a check. `hyperparameter` ranks it behind causes in the program's structure where both cures repair a run.

    `also` names further stages that ask it: a label out of range crashes the first pass, and is heard there, too.
    """
    return lambda function: Check(function, severity, hyperparameter, also)
