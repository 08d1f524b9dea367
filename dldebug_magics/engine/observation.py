"""An observation: what one experiment saw, in plain numbers and names.

It is frozen, holds no graph, module or handle, and a crash of the user's model is something observed. `measure` is a generator that
yields ever fuller observations; who does not care takes the last. What it needs beside the subject it asks for by annotation, as checks do.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from ..document import Block
from .subject import Subject


class Observation:
    """One experiment's result. Subclasses are frozen dataclasses with a `measure` and, where a person reads them, a `document`.

    whole_batch: whether the experiment is about the batch as it comes; else a few samples of it will do. on_paper: whether it is looked at
    without being run. candidates: how many changes that repair the program are looked for; a program that crashes can often be mended in
    more than one way. needs_loss: whether it is about training, and a program without a loss is a mistake. any_split: whether any split of
    the data will do, and no optimizer is asked about. reads_numbers: whether it looks at numbers, which no model on `meta` has.
    of_budget: the share of it that the experiment itself may take at most; for_needs: of that, what it reads may take.
    without_value: options that may be typed without a value, and then say nothing more.
    module_paths: options whose value is the path of a module in the model.
    exports: what its reports can do beside what all can, by name; called with the observation first.
    """

    stage: ClassVar[str] = "overfit"
    whole_batch: ClassVar[bool] = False
    on_paper: ClassVar[bool] = False
    candidates: ClassVar[int] = 1
    needs_loss: ClassVar[bool] = True
    any_split: ClassVar[bool] = False
    reads_numbers: ClassVar[bool] = True
    of_budget: ClassVar[float] = 0.5
    for_needs: ClassVar[float] = 1.0
    without_value: ClassVar[tuple[str, ...]] = ()
    module_paths: ClassVar[tuple[str, ...]] = ()
    exports: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    @classmethod
    def prepared(cls, subject: Subject, **options: Any) -> Subject:
        """The subject as the options want it, before a batch is drawn."""
        return subject

    @classmethod
    def varied(cls, lent: Subject, **options: Any) -> Subject:
        """A loan as the options want it: all that is looked at, the cured copies too, are of the program with this change."""
        return lent

    @classmethod
    def measure(cls, subject: Subject, *needs: Any, **options: Any) -> Iterator[Observation]:
        """Do the experiment on a lent subject; the last value yielded is the whole observation."""
        raise TypeError(f"{cls.__name__} does not say how it is measured")
        yield

    def loses_to(self, uncured: Any) -> bool:
        """Whether it, of a cured copy, has lost its race with the run without that cure. Where nothing is trained, nothing races."""
        return False

    def document(self) -> tuple[Block, ...]:
        """The observation for a person, as blocks."""
        return ()


def reads(function: Callable) -> dict[str, type[Observation]]:
    """The observations that a check or a `measure` asks for: its positional parameters' annotations."""
    hints = typing.get_type_hints(function)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [p.name for p in inspect.signature(function).parameters.values() if p.kind in kinds]
    return {name: hints[name] for name in named if isinstance(hints.get(name), type) and issubclass(hints[name], Observation)}


def options(experiment: type[Observation]) -> dict[str, inspect.Parameter]:
    """The keyword-only parameters of `measure`: the magic's options, the function's keywords, the panel's controls."""
    return {p.name: p for p in inspect.signature(experiment.measure).parameters.values() if p.kind is p.KEYWORD_ONLY}
