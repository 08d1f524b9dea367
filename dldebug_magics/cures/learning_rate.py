"""Another learning rate, everything else equal."""

from __future__ import annotations

from collections.abc import Callable

from ..engine.default_optimizer import RATE, with_optimizer
from ..engine.subject import Subject

STANDS_STILL = 1e-9  # a rate below which nothing moves in any number of steps


def times(factor: float) -> Callable[[Subject], Subject]:
    """The cure that multiplies every group's rate."""

    def cure(subject: Subject) -> Subject:
        cured = with_optimizer(subject)
        for group in cured.optimizer.param_groups:
            group.update({key: group[key] * factor for key in ("lr", "initial_lr", "max_lr") if key in group})
        return cured

    return cure


def raised_to(rate: float) -> Callable[[Subject], Subject]:
    """The cure that gives every group without a learning rate this one."""

    def cure(subject: Subject) -> Subject:
        cured = with_optimizer(subject)
        for group in cured.optimizer.param_groups:
            highest = max(abs(group[key]) for key in ("lr", "initial_lr", "max_lr") if key in group)
            group["lr"] = rate if highest < STANDS_STILL else group["lr"]
        return cured

    return cure


def usual(optimizer: str) -> tuple[float, ...]:
    """What one begins with: a tenth or a hundredth with plain SGD, the guide's rate or ten times that with Adam and its kin.

    >>> usual("SGD"), usual("Adam")
    ((0.1, 0.01), (0.0003, 0.003))
    """
    return (1e-1, 1e-2) if optimizer == "SGD" else (RATE, 3e-3)


def descending(subject: Subject) -> Subject:
    """Downhill: no `maximize`, and no rate below zero."""
    cured = with_optimizer(subject)
    for group in cured.optimizer.param_groups:
        group.update({key: abs(group[key]) for key in ("lr", "initial_lr", "max_lr") if key in group})
        group["maximize"] = False
    return cured
