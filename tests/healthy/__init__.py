"""Healthy training programs of many kinds: what a diagnosis must leave alone, and must not complain about.

`make(kind, optimizer)` gives a fresh program, the same one every time; `KINDS` and `OPTIMIZERS` name all of them. Each kind is a function
that returns a Subject without an optimizer; its learning rates are sound: they memorise one batch within some hundred steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from dldebug_magics.engine.subject import Subject

from . import generative, language, losses, sequences, shapes, vision
from .kind import Kind

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=0.9),
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
    "RMSprop": torch.optim.RMSprop,
}
KINDS: dict[str, Kind] = {
    name: kind
    for family in (vision, sequences, language, generative, losses, shapes)
    for name, kind in vars(family).items()
    if isinstance(kind, Kind)
}


def make(kind: str, optimizer: str, *, pace: float = 1.0, **changes: Any) -> Subject:
    """A fresh program of that kind, with that optimizer at its sound rate times `pace`."""
    recipe = KINDS[kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        subject = recipe.build()
    trained = [p for p in subject.model.parameters() if p.requires_grad]
    return dataclasses.replace(subject, optimizer=OPTIMIZERS[optimizer](trained, lr=pace * recipe.rates[optimizer]), **changes)
