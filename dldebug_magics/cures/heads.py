"""The layer that makes the outputs, built for another number of classes."""

from __future__ import annotations

from collections.abc import Callable

from ..engine.subject import Subject
from .layers import rebuilt


def with_outputs(path: str, count: int) -> Callable[[Subject], Subject]:
    """The cure that gives the layer at `path` this many outputs, and says so wherever the model keeps their number as `num_labels`."""

    def cure(subject: Subject) -> Subject:
        layer = subject.model.get_submodule(path)
        name = "out_features" if hasattr(layer, "out_features") else "out_channels"
        before = getattr(layer, name)
        subject = rebuilt(path, **{name: count})(subject)
        for module in subject.model.modules():
            for holder in (module, getattr(module, "config", None)):
                if getattr(holder, "num_labels", None) == before:
                    holder.num_labels = count  # type: ignore[union-attr]
        return subject

    return cure
