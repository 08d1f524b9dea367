"""One healthy architecture: how to make it, and what of it no hook can see."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Made = tuple[nn.Module, "tuple | dict[str, Any]"]


@dataclasses.dataclass(frozen=True)
class Architecture:
    """`make()` gives a model and its batch as it is passed: a tuple of arguments, or a dict of keywords. The same each time.

    hidden: the paths of modules that run, with all below them, without asking hooks ("" is the model): compiled, scripted.
    """

    name: str
    make: Callable[[], Made]
    hidden: tuple[str, ...] = ()


def architecture(build: Callable[[], Made]) -> Architecture:
    """Make a function an architecture, seeded."""
    return hiding()(build)


def hiding(*paths: str) -> Callable[[Callable[[], Made]], Architecture]:
    """The same for one that hides what runs below these paths."""

    def record(build: Callable[[], Made]) -> Architecture:
        def make() -> Made:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                return build()

        return Architecture(build.__name__, make, paths)

    return record


def call(made: Made) -> Any:
    """The output of a model for its batch."""
    model, batch = made
    return model(**batch) if isinstance(batch, dict) else model(*batch)
