"""A remedy: one thing that the guide does about one term of the error, and how a pilot can try it on a copy.

The file is the registration, as for checks: its name is the remedy's name, its folder the term, its docstring the page.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable

from .subject import Subject

Edit = Callable[[Subject], Subject]


def unchanged(subject: Subject) -> Subject:
    """The subject as it is."""
    return subject


@dataclasses.dataclass(frozen=True)
class Change:
    """One change that a pilot can try: in a few words, and as lines in the user's own names.

    before: what it does to a lent subject before that is trained (its model, its optimizer, its training data). after: what it does to the
    trained one; of the split that the model is for it may read inputs, never labels. risk: what may go wrong with it.
    times: for how many times as long the program is trained.
    """

    what: str
    code: str = ""
    before: Edit = unchanged
    after: Edit = unchanged
    risk: str = ""
    times: float = 1.0


@dataclasses.dataclass(frozen=True)
class NotPiloted:
    """Why a remedy can't be tried here, and what the user can do. `fits` is False where its precondition does not hold for this program."""

    why: str
    fits: bool = True


class Remedy:
    """One remedy. Call it with a lent subject and it says what a pilot can try, or why none can; made by the decorator `@remedy`.

    place: where it stands in the guide's order for its term, from 1. recommended: False for what the guide advises against.
    """

    def __init__(self, function: Callable[[Subject], Iterable[Change | NotPiloted]], place: int, recommended: bool):
        self.function, self.place, self.recommended = function, place, recommended
        self.name = function.__name__
        self.term = function.__module__.split(".")[-2]
        self.page = inspect.cleandoc(function.__doc__ or "")
        self.title = self.page.partition("\n")[0]

    def __call__(self, subject: Subject) -> list[Change | NotPiloted]:
        """What to try on this subject, which is lent."""
        return list(self.function(subject))

    def __repr__(self) -> str:
        return f"<remedy {self.term}/{self.name}>"


def remedy(*, place: int, recommended: bool = True) -> Callable[[Callable[[Subject], Iterable[Change | NotPiloted]]], Remedy]:
    """Make a function a remedy."""
    return lambda function: Remedy(function, place, recommended)
