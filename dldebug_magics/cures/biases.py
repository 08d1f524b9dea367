"""Biases taken away."""

from __future__ import annotations

from collections.abc import Callable

from ..engine.subject import Subject


def without_bias(paths: list[str]) -> Callable[[Subject], Subject]:
    """The cure that takes the biases of these layers away."""

    def cure(subject: Subject) -> Subject:
        for path in paths:
            subject.model.get_submodule(path).bias = None
        return subject

    return cure
