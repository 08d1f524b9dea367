"""A few samples of the training set, read twice: whether inputs and labels are the same the second time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from ...engine import snapshot
from ...engine.digest import digest
from ...engine.observation import Observation
from ...engine.samples import items, numbered
from ...engine.split import split
from ...engine.subject import Subject

_SAMPLES = 8
_FAR = 0.5  # of the variance among samples; an independent draw moves by twice that


@dataclasses.dataclass(frozen=True)
class ReadTwice(Observation):
    """`inputs` counts the samples whose input was another the second time, `labels_alone` those of the same input and another label.

    `number`, `first` and `second` are the first such sample's, and its two labels, as texts. `plain`: inputs have many values and labels
    are small beside them, so that no second label can be meant for another reading of the same input, and is no noise: it is as far from
    the first as other samples' labels are.
    """

    samples: int
    inputs: int
    labels_alone: int
    number: int
    first: str
    second: str
    plain: bool

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[ReadTwice]:
        """Read eight samples by number, twice each; not asked where the data can't be read by number."""
        data = numbered(subject.train)
        if data is None or subject.loss_fn is None or subject.step is not None or not len(data.dataset):
            return
        count = min(_SAMPLES, len(data.dataset))
        numbers = [i * len(data.dataset) // count for i in range(count)]
        with snapshot.reading(subject.train), torch.inference_mode(False):
            readings = [[data.collate(items(data.dataset, [number])) for _ in range(2)] for number in numbers]
        pairs = [[_parts(subject, batch) for batch in twice] for twice in readings]
        moved = [number for number, (a, b) in zip(numbers, pairs, strict=True) if a[0] != b[0]]
        redrawn = [i for i, (a, b) in enumerate(pairs) if a[0] == b[0] and a[1] != b[1]]
        here = redrawn[0] if redrawn else 0
        first, second = (reading[2] for reading in pairs[here])
        plain = all(reading[3] for twice in pairs for reading in twice) and _as_far([(a[4], b[4]) for a, b in pairs], redrawn)
        yield cls(count, len(moved), len(redrawn), numbers[here], first, second, plain)


def _parts(subject: Subject, batch: object) -> tuple[str, str, str, bool, torch.Tensor]:
    """(word for the inputs, word for the targets, the target as text, whether both are of the plain kind, the target in numbers)."""
    arguments, keywords, targets = split(subject, batch)
    inputs = [part for part in (*arguments, *keywords.values()) if isinstance(part, torch.Tensor)]
    label = targets[0] if targets and isinstance(targets[0], torch.Tensor) else None
    many = len(inputs) == 1 and inputs[0].is_floating_point() and len(inputs[0].unique()) >= 6
    small = many and label is not None and len(targets) == 1 and (not label.is_floating_point() or 2 * label.numel() <= inputs[0].numel())
    values = label.reshape(-1)[:1000].float() if label is not None else torch.zeros(0)
    text = ", ".join(f"{value:.4g}" for value in values[:4].tolist()) + (", ..." if len(values) > 4 else "")
    return digest((arguments, keywords)), digest(targets), text, small, values


def _as_far(labels: list[tuple[torch.Tensor, torch.Tensor]], redrawn: list[int]) -> bool:
    """Whether the second labels are as far from the first as other samples' labels: noise on a number is not."""
    if not redrawn or len({len(first) for pair in labels for first in pair}) != 1:
        return True
    firsts = torch.stack([first for first, _ in labels])
    moved = torch.stack([labels[i][1] - labels[i][0] for i in redrawn])
    return bool(moved.square().mean() >= _FAR * (firsts - firsts.mean(0)).square().mean())
