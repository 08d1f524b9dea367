"""Which two splits are compared, where nobody says: unseen data like those of train, against data like those of test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...engine.errors import UserMistake
from ...engine.subject import Subject
from ..bias_variance.reading import NAMES, ROLES

_TARGETS = ("test_val", "test", "val", "train_val", "train")  # what is asked about, the likeliest first
_SOURCES = ("train_val", "val", "train", "test_val", "test")  # what it is held against


def given_of(subject: Subject) -> dict[str, Any]:
    """The splits that there are, by role. A `UserMistake` where there are not two."""
    given = {role: getattr(subject, role) for role in ROLES if getattr(subject, role) is not None}
    if not given:
        raise UserMistake("no data to compare", expected="two splits", do="name them: --train .. --test ..")
    if len(given) == 1:
        role = next(iter(given))
        do = f"name the other: --{'test' if role != 'test' else 'train'} .."
        raise UserMistake(f"`{subject.name(role)}` ({NAMES[role]}) is the only split", expected="two to compare", do=do)
    return given


def compared(subject: Subject, source: str, against: str) -> tuple[str, str]:
    """The roles of source and target. A `UserMistake` for a word that is none of the splits, or for a split against itself.

    Without words: the target is test-val, else test, else val; the source is train-val, else val, else train.
    """
    given = given_of(subject)
    asked = [_role(word, given) if word else "" for word in (source, against)]
    target = asked[1] or next(role for role in _TARGETS if role in given and role != asked[0])
    origin = asked[0] or next(role for role in _SOURCES if role in given and role != target)
    if (origin, target) == ("test", "test_val") and not any(asked):
        origin, target = target, origin
    if origin == target or given[origin] is given[target]:
        words = " and ".join(dict.fromkeys(f"--{role.replace('_', '-')}" for role in (origin, target)))
        raise UserMistake(f"`{subject.name(target)}` is held against itself ({words})", expected="two different splits")
    for role in (origin, target):
        if isinstance(given[role], Iterator):
            raise UserMistake(f"`{subject.name(role)}` is an iterator", expected="something that can be read twice", do="pass the loader")
    return origin, target


def _role(word: str, given: Mapping[str, Any]) -> str:
    role = word.strip().lower().replace("-", "_")
    if role not in given:
        there = ", ".join(NAMES[role] for role in given)
        raise UserMistake(f"no split `{word}`", expected=f"one of those that are given: {there}")
    return role
