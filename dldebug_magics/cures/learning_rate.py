"""Another learning rate, everything else equal."""

from __future__ import annotations

from collections.abc import Callable

from ..engine.default_optimizer import with_optimizer
from ..engine.subject import Subject


def times(factor: float) -> Callable[[Subject], Subject]:
    """The cure that multiplies every group's rate."""

    def cure(subject: Subject) -> Subject:
        cured = with_optimizer(subject)
        for group in cured.optimizer.param_groups:
            group.update({key: group[key] * factor for key in ("lr", "initial_lr", "max_lr") if key in group})
        return cured

    return cure


def descending(subject: Subject) -> Subject:
    """Downhill: no `maximize`, and no rate below zero."""
    cured = with_optimizer(subject)
    for group in cured.optimizer.param_groups:
        group.update({key: abs(group[key]) for key in ("lr", "initial_lr", "max_lr") if key in group})
        group["maximize"] = False
    return cured
