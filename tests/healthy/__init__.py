"""Healthy training programs of many kinds: what a diagnosis must leave alone, and must not complain about.

`make(kind, optimizer)` gives a fresh program, the same one every time; `KINDS` and `OPTIMIZERS` name all of them. Each kind is a function
that returns a Subject without an optimizer; its learning rates are sound: they memorise one batch within some hundred steps.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import torch

from dldebug_magics.engine.subject import Subject

from .kind import Kind

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=0.9),
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
    "RMSprop": torch.optim.RMSprop,
}
FAMILIES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
KINDS: dict[str, Kind] = {name: kind for family in FAMILIES for name, kind in vars(family).items() if isinstance(kind, Kind)}
WITH_ALL = """conv_batch_norm residual_with_zero_branch segmentation weight_normalised frozen_backbone caches_activation lstm gru
    transformer_with_dropout tied_weights carries_detached_state tiny_bert variational_autoencoder penalised_weights lazy_layers own_step
    own_generator""".split()  # these differ from each other in what a step changes: they are asked with every optimizer


def in_turn(kind: str) -> str:
    """One optimizer for a kind: another for the next."""
    return list(OPTIMIZERS)[list(KINDS).index(kind) % len(OPTIMIZERS)]


def make(kind: str, optimizer: str, *, pace: float = 1.0, **changes: Any) -> Subject:
    """A fresh program of that kind, with that optimizer at its sound rate times `pace`."""
    recipe = KINDS[kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        subject = recipe.build()
    trained = [p for p in subject.model.parameters() if p.requires_grad]
    steps = OPTIMIZERS[optimizer](trained, lr=pace * recipe.rates[optimizer])
    scheduler = None if recipe.schedule is None else recipe.schedule(steps)
    return dataclasses.replace(subject, optimizer=steps, scheduler=scheduler, **changes)
