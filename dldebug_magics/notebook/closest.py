"""Did you mean: a typing slip costs a user one glance, so every message about an unknown word ends with the nearest known one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], mark: str = "`{}`", margin: float = 0.0) -> str:
    """A question that names the nearest known word, or the first of those almost as near; empty when none is near.

    >>> did_you_mean("modle", ["model", "loader"])
    'did you mean `model`?'
    >>> did_you_mean("stepz", ["steps", "step"], "--{}", margin=0.1)
    'did you mean --steps?'
    >>> did_you_mean("zzz", ["model"])
    ''
    """
    likeness = {name: difflib.SequenceMatcher(None, name.lower(), word.lower()).ratio() for name in known}
    best = max(likeness.values(), default=0.0)
    near = [name for name, like in likeness.items() if like >= best - margin]
    return f"did you mean {mark.format(near[0])}?" if best >= 0.6 else ""
