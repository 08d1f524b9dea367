"""The splits that are not compared: whether their inputs are like those of the source, and whether the model was trained on some of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ...engine.subject import Subject
from ..bias_variance.repeated import repeated
from .pair import Pair
from .parts import apart
from .roles import given_of
from .sides import FEWEST, Read, opened, reading

_TIME = 0.3  # of what is left of it, for reading one of them
_MOST = 0.02  # of the samples, or five times as many as are equal within train: what rows of few values have in common


def beside(subject: Subject, roles: tuple[str, str], source: Read, samples: int) -> Iterator[dict[str, Any]]:
    """The fields `others` and `leaked` of the observation, as far as there is time."""
    found = list[Any]()
    for role, data in given_of(subject).items():
        now = time.monotonic()
        if role in roles or now > subject.deadline:
            continue
        read = opened(subject, role, samples, like=source)
        for _ in reading(subject, None, read, now + _TIME * (subject.deadline - now)):
            pass
        separated = Pair(source.view, read.view, held_out=False, seed=subject.seed).separation() if read.view.count >= FEWEST else None
        if separated is not None:
            found.append((role, apart(*separated)))
            yield {"others": tuple(found)}
        if role == "train":
            yield {"leaked": max(_by_number(data, source), _by_content(read, source))}


def _by_number(train: Any, source: Read) -> int:
    """How many entries of one dataset stand in both."""
    return next((pair.count for pair in repeated({"train": train, source.role: source.source}, {}) if pair.by_number), 0)


def _by_content(train: Read, source: Read) -> int:
    """How many of the samples that were read are equal."""
    known = set(train.view.words)
    own = len(train.view.words) - len(known)
    count = sum(word in known for word in source.view.words)
    return count if count > max(_MOST * len(source.view.words), 5 * own) else 0
