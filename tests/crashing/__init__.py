"""Programs that do not run, as users write them, each with its cause and a twin that runs: what the stage `run` is judged by.

`CRASHES` lists them all. A program is a function of `faulty`; its two variants differ in one change. What torch says about the faulty one
stands in its record, measured with torch 2.13 on a CPU, and `tests/test_crashing_programs.py` holds it against plain torch. Another device
can only be had as `meta` there: everything lives on it but the one thing that was left behind.
"""

from __future__ import annotations

import importlib
import pkgutil

from .crash import PHASES, Crash

__all__ = ["CRASHES", "PHASES", "Crash"]

FAMILIES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
CRASHES: tuple[Crash, ...] = tuple(entry for family in FAMILIES for entry in vars(family).values() if isinstance(entry, Crash))
