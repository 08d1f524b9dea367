"""The healthy programs, by name: `build(name, seed)` gives a fresh one, with other hidden widths or another activation where asked."""

from __future__ import annotations

from typing import Any

import torch

from ..program import Program
from . import dense, generative, language, sequences, tables, vision

FAMILIES = (dense, tables, vision, sequences, language, generative)
PROGRAMS = {name: make for family in FAMILIES for name, make in vars(family).items() if getattr(make, "is_program", False)}


def build(name: str, seed: int = 0, **knobs: Any) -> Program:
    """A fresh program; the same one for the same seed.

    >>> build("wine").task
    'classes'
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        program = PROGRAMS[name](**knobs)
    program.seed, program.rebuild = seed, lambda **other: build(name, seed, **{**knobs, **other})
    program.loaders()
    return program
