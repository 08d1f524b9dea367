"""Whether the model has as many outputs as the data have classes: counted where a loss of classes refused its target.

One batch rarely holds every class, so that more of the training data are read; and the layer is looked for that makes the outputs.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.samples import portions, readable
from ...engine.subject import Subject
from ..data_audit.material import inputs_and_targets
from .meeting import is_one
from .targets import TargetCard

_MOST, _SECONDS = 20_000, 2.0  # samples that are read, and how long
_YES_OR_NO = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


@dataclasses.dataclass(frozen=True)
class ClassCount(Observation):
    """Of a target that was refused: the outputs that it needs (0 where they are not the matter) and those there are.

    low, high: the class numbers in all that was `read`. layer, kind: the layer that makes the outputs, empty where none is known;
    inputs: how many features or channels it takes.
    """

    needed: int = 0
    outputs: int = 0
    low: int = 0
    high: int = 0
    read: int = 0
    layer: str = ""
    kind: str = ""
    inputs: int = 0

    @classmethod
    def measure(cls, subject: Subject, targets: TargetCard) -> Iterator[ClassCount]:
        """Nothing is read where the target was accepted."""
        outside = targets.takes_labels and targets.classes > 1 and not _inside(labels_in(targets), targets.classes)
        if not (targets.raised and (outside or _columns(targets))):
            yield cls()
            return
        low, high, read = _in_the_data(subject, targets) if outside else (0, targets.target.shape[1] - 1, targets.samples)
        fits = outside and (low < 0 or (low == 1 and high == targets.classes) or _marked(targets))
        layer = _head(subject, targets.classes)
        yield cls(0 if fits else high + 1, targets.classes, low, high, read, *layer)


def labels_in(targets: TargetCard) -> tuple[int, ...]:
    """The class numbers in the target that count, in order; the smallest and the largest where they are too many to list."""
    values = targets.target.values or targets.target.span
    return tuple(int(value) for value in values if value != targets.ignore_index)


def _inside(labels: tuple[int, ...], classes: int) -> bool:
    return not labels or (min(labels) >= 0 and max(labels) < classes)


def _marked(targets: TargetCard) -> bool:
    """Whether all that is too large is a mark for "none", as in masks of pictures."""
    return {label for label in labels_in(targets) if label >= targets.classes} == {255}


def _columns(targets: TargetCard) -> bool:
    """Whether there is an answer for each of several classes, and another number of them than of outputs."""
    output, target = targets.output.shape, targets.target.shape
    flat = len(output) == len(target) == 2 and output[0] == target[0] and output[1] != target[1] and min(output[1], target[1]) > 1
    shares = targets.goes_into("cross_entropy") and not targets.target.integer and is_one(targets.target.class_sums)
    return flat and (shares or targets.goes_into(*_YES_OR_NO))


def _in_the_data(subject: Subject, targets: TargetCard) -> tuple[int, int, int]:
    """The smallest and the largest label, and how many samples were read."""
    found, read, until = set(labels_in(targets)), targets.samples, time.monotonic() + _SECONDS
    if not readable(subject.train):
        return min(found), max(found), read
    for portion in portions(subject.train, _MOST):
        _, answers = inputs_and_targets(subject, portion.batch)
        if not answers or answers[0].is_floating_point() or time.monotonic() > until:
            break
        read = max(read, len(portion.numbers) + portion.numbers[0]) if portion.numbers else read
        found |= set(torch.unique(answers[0]).tolist()) - {targets.ignore_index}
    return int(min(found)), int(max(found)), read


def _head(subject: Subject, outputs: int) -> tuple[str, str, int]:
    """The last layer to run that has this many outputs: its path, its class, its inputs."""
    seen: list[str] = []
    layers = {name: module for name, module in subject.model.named_modules() if _size(module, "out") == outputs}
    handles = [layer.register_forward_hook(lambda *_, name=name: seen.append(name)) for name, layer in layers.items()]
    seeded(subject.seed)
    try:
        with torch.enable_grad():
            loss_of(subject)
    except Exception:  # the loss refuses its target: that is what brought us here
        last = seen[-1] if seen else None
    else:
        last = None
    for handle in handles:
        handle.remove()
    return ("", "", 0) if last is None else (last, type(layers[last]).__name__, _size(layers[last], "in"))


def _size(layer: nn.Module, side: str) -> Any:
    return getattr(layer, f"{side}_features", None) or getattr(layer, f"{side}_channels", 0)
