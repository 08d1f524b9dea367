"""What is to be typed where a metric of the loop's own is wrong."""

from __future__ import annotations

import re

from ...engine.edits import Edit, Either, Insert, Replace
from ...instruments.source_lines import Line

_CLASSES = ("argmax(dim=0)", "argmax(0)", "dim=0", "axis=0", ", 0)", "max(0)", "argmax()")
_WRITTEN = {"argmax()": "argmax(dim=1)"}


def over_the_classes(line: Line) -> tuple[Edit, ...]:
    """The other axis, as it is written there."""
    return (Either(tuple(Replace(line.spot, old, _WRITTEN.get(old) or old.replace("0", "1")) for old in _CLASSES)),)


def at_even_odds(line: Line) -> tuple[Edit, ...]:
    """The threshold of a logit."""
    ways = (("> 0.5", "> 0"), (">= 0.5", ">= 0"), (">0.5", ">0"))
    return (Either(tuple(Replace(line.spot, old, new) for old, new in ways)),) if ">" in line.source else ()


def by_the_other_number(line: Line, samples: bool) -> tuple[Edit, ...]:
    """The number of samples in the place of that of batches, or the other way round.

    >>> by_the_other_number(Line("cell 1, line 2", "return hits / len(val)"), samples=True)[0].new
    'len(val.dataset)'
    """
    counted = re.findall(r"len\(([\w.]+)\)", line.source)
    if len(counted) != 1:
        return ()
    other = f"{counted[0]}.dataset" if samples else counted[0].removesuffix(".dataset")
    return (Replace(line.spot, f"len({counted[0]})", f"len({other})"),)


def averaged(line: Line, name: str, why: str) -> tuple[Edit, ...]:
    """Another number to divide by; or the sum, set back before the loop that adds it up."""
    if why in ("hits by batches", "means by samples"):
        return by_the_other_number(line, samples=why == "hits by batches")
    return (Insert(line.spot, f"{name} = 0", around="loop"),) if why == "kept" and name.isidentifier() else ()
