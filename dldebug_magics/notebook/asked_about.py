"""Which of the notebook's names a report is about: what was asked with them, and what it says was taken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

from .names import is_module

if TYPE_CHECKING:
    from ..engine.report import Report


def asked_of(report: Report, visible: Mapping[str, Any]) -> set[str]:
    """The user's names for what a report is about, as far as it says them.

    >>> from dldebug_magics.engine.report import Report
    >>> report = Report(asked="%overfit_batch net opt --steps 9", said=("Taken from the notebook: loss `f`.",))
    >>> sorted(asked_of(report, dict.fromkeys("net opt f g".split())))
    ['f', 'net', 'opt']
    """
    asked = re.sub(r"--[\w-]+", "", report.asked.partition(" ")[2])
    said = " ".join(part for line in report.said for part in line.split("`")[1::2])
    return {word for word in re.findall(r"[A-Za-z_]\w*", f"{asked} {said}") if word in visible}


def parts_of(asked: Set[str], visible: Mapping[str, Any]) -> set[str]:
    """What must be made anew if it is made of what was changed: what was asked about, and its schedulers; else all that could be a part."""
    own = {name: value for name, value in visible.items() if not name.startswith("_")}
    parts = {name for name, value in own.items() if hasattr(value, "param_groups") or hasattr(value, "dataset") or is_module(value)}
    return {*(asked or parts), *(name for name, value in own.items() if hasattr(value, "last_epoch") and hasattr(value, "optimizer"))}
