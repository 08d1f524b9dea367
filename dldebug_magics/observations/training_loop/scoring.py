"""Questions about the user's own metrics in a watched loop: how they choose, compare and average."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from ...instruments.watch.averages import Average
from ...instruments.watch.compared import Compared, Counted
from ...instruments.watch.events import Backward
from . import TrainingLoop

_OF_CLASSES = ("cross_entropy", "nll_loss", "likelihood")


def trained_by(loop: TrainingLoop, *functions: str) -> bool:
    """Whether a term of the loop's loss is one of these functions."""
    return any(term.function in functions for event in loop.of(Backward) for term in event.terms)


def over_samples(loop: TrainingLoop) -> Compared | None:
    """A comparison of labels with the largest over the batch, not the classes; None where the classes are looked for elsewhere, too."""
    told = [c for c in loop.scored.compared if c.choice.how == "argmax" and c.choice.plain and len(c.choice.shape) == 2]
    argmaxes = [c for c in told if not c.ordered]
    wrong = [c for c in argmaxes if c.choice.axis != 1 and c.choice.shape[0] > 1 and _labels(c)]
    if not wrong or len(wrong) < len(argmaxes):
        return None
    told = [c for c in wrong if not math.isclose(c.agreed, c.meant)] if wrong[-1].result is not None else wrong
    return told[-1] if told and (trained_by(loop, *_OF_CLASSES) or _decided(told[-1])) else None


def _labels(c: Compared) -> bool:
    """Whether the other side has a label for each sample."""
    return (c.choice.shape[0],) in (c.left, c.right)


def _decided(c: Compared) -> bool:
    """Whether the shapes alone tell which axis is that of the samples."""
    return c.choice.shape[0] != c.choice.shape[1]


def widened(loop: TrainingLoop) -> Compared | None:
    """A comparison of N predictions with N labels that made a table of N x N, at each such line alike."""
    wide = [c for c in loop.scored.compared if c.widens and not c.ordered and (c.evaluating or c.function in ("eq", "ne"))]
    lines = {c.line for c in wide}
    return wide[-1] if wide and len([c for c in loop.scored.compared if c.line in lines and c.result is not None]) == len(wide) else None


def threshold_of_a_probability(loop: TrainingLoop) -> Compared | None:
    """Logits that are held against 0.5, though the loss takes them for logits, and some are no probabilities."""
    if not trained_by(loop, "binary_cross_entropy_with_logits"):
        return None
    found = [c for c in loop.scored.compared if c.choice.how in ("threshold", "round") and c.choice.limit == 0.5 and not c.choice.through]
    outside = [c for c in found if (c.choice.low < 0 or c.choice.high > 1) and not math.isnan(c.meant)]
    differs = [c for c in outside if c.meant != c.agreed]
    return differs[-1] if len(outside) == len(found) and differs else None


class Misaveraged(NamedTuple):
    """An average that is not what it is taken for. `why`: "hits by batches", "means by samples", "kept", or "unequal batches".

    seen, expected: the average as the user takes it, and as it is meant (of the latter two; how many epochs where it is kept).
    """

    why: str
    average: Average
    counts: tuple[Counted, ...]
    seen: float
    expected: float

    @property
    def off(self) -> float:
        """How far off it is, as a share of what is meant."""
        return abs(self.seen - self.expected) / max(abs(self.expected), 1e-12)


def misaveraged(loop: TrainingLoop) -> Iterator[Misaveraged]:
    """What is added up for an average, line by line, in evaluations and in training."""
    by_line: dict[tuple, list[Counted]] = {}
    for count in loop.scored.counted:
        if count.average is not None and math.isfinite(count.value):
            by_line.setdefault((not count.evaluating, count.line, count.average, count.kind, count.reduction), []).append(count)
    for (learning, _, average, kind, reduction), counts in sorted(by_line.items(), key=lambda item: item[0][0]):
        of_batch, epochs = sum(c.value for c in counts) / len(counts), len({c.step for c in counts}) > 1 and loop.epochs
        size = sum(c.samples for c in counts) / len(counts)
        if (kind, reduction, average.by) == ("hits", "sum", "batches") and of_batch > 1:
            yield Misaveraged("hits by batches", average, tuple(counts), of_batch, of_batch / size)
        elif average.kept and epochs > 1:
            yield Misaveraged("kept", average, tuple(counts), epochs, 1)
        elif (reduction, average.by) == ("mean", "samples") and size >= 2:
            yield Misaveraged("means by samples", average, tuple(counts), of_batch / size, of_batch)
        elif (reduction, average.by) == ("mean", "batches") and not learning:
            yield Misaveraged("unequal batches", average, tuple(counts), *means(counts))


def means(counts: list[Counted]) -> tuple[float, float]:
    """Of the evaluation in which they differ most: the mean of the batches' means, and the mean over all samples.

    >>> from ...instruments.source_lines import Line
    >>> means([Counted(Line(), "hits", "mean", 9, 0.5), Counted(Line(), "hits", "mean", 1, 1.0)])
    (0.75, 0.55)
    """
    by_step: dict[int, list[Counted]] = {}
    for count in counts:
        by_step.setdefault(count.step, []).append(count)
    found = by_step.values()
    pairs = [
        (sum(c.value for c in each) / len(each), sum(c.value * c.samples for c in each) / sum(c.samples for c in each)) for each in found
    ]
    return max(pairs, key=lambda pair: abs(pair[0] - pair[1]))


def sizes(shape: tuple[int, ...]) -> str:
    """A shape as torch writes it.

    >>> sizes((3, 1))
    '[3, 1]'
    """
    return f"[{', '.join(map(str, shape))}]"
