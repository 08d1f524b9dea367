"""What a model made of some batches, turned into rows of numbers: a small share that is added up here, or sent here by a worker process.

Batches of few numbers are looked at together, because a look costs as much for one as for eight. Which ones is a matter of their place in
the split alone, never of who looks at them: so the same split gives the same bits, whether one process reads it or ten.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy
import torch
from torch import Tensor

from ...engine.errors import UserMistake
from .batches import Groups, groups_in, length
from .buckets import names
from .confidence import sureness
from .kept import Whole
from .metrics import Metric
from .tasks import Task, scores

Pair = tuple[Tensor, Tensor]  # scores, and the targets that they are compared with
_MOST = 8  # batches that are looked at together
_NUMBERS = 2**15  # in their outputs, at most: what torch does in one thread


@dataclasses.dataclass(frozen=True)
class Share:
    """What some batches add: rows of the metric (or outputs and targets, where it is no sum), and rows of how sure the model was."""

    samples: int
    batches: int
    rows: numpy.ndarray | None
    kept: tuple[Pair, ...]
    sure: numpy.ndarray | None
    groups: numpy.ndarray | None


@dataclasses.dataclass(frozen=True)
class _Answer:
    """One batch: the scores and the first target of its samples, their rows where the metric wants each batch by itself, their groups."""

    samples: int
    found: Tensor | None
    target: Any
    rows: numpy.ndarray | None
    groups: numpy.ndarray | None


@dataclasses.dataclass
class Judge:
    """Takes outputs, batch by batch, and gives shares. `together`: how many batches are one share."""

    task: Task
    metric: Metric | Whole
    groups: Groups
    likelihood: bool
    together: int = 1
    done: int = 0
    waiting: list[_Answer] = dataclasses.field(default_factory=list)

    def add(self, batch: Any, output: Any, targets: tuple[Any, ...]) -> int:
        """One batch and what the model made of it. Returns the number of its samples."""
        found, target, rows = scores(output), targets[0] if targets else None, None
        count, number = length(targets, found), self.done + len(self.waiting) + 1
        if isinstance(self.metric, Metric) and not self.metric.by_row:
            finite(found, number)
            rows = self._rows(output, targets, number)
        elif not (isinstance(found, Tensor) and isinstance(target, Tensor)):
            seen = f"`{self.metric.name}` has nothing to compare in batch {number}"
            raise UserMistake(seen, expected="scores in the model's output, and targets in a batch")
        groups = None if self.groups is None else names(groups_in(batch, self.groups, count))
        if self.together > 1:  # what waits must not be written over by the next batch
            found, target = (part.clone() if isinstance(part, Tensor) else part for part in (found, target))
        self.waiting.append(_Answer(count, found, target, rows, groups))
        return count

    @property
    def full(self) -> bool:
        """Whether a share is to be taken."""
        return len(self.waiting) >= self.together

    def share(self) -> Share:
        """The share of the batches that wait. A `UserMistake` names the batch that has outputs that are no numbers, or no metric."""
        answers, self.waiting = self.waiting, []
        first, self.done = self.done + 1, self.done + len(answers)
        pairs = _joined(answers)
        rows, kept = self._looked_at(pairs, answers, first), tuple[Pair, ...]()
        if isinstance(self.metric, Whole):
            chosen = [self.metric.keeps(found.detach(), target.detach()) for found, target in pairs]
            kept = tuple((found.cpu().clone(), target.cpu().clone()) for found, target in chosen)  # no part of more
        samples = sum(answer.samples for answer in answers)
        one_each = samples == sum(len(found) for found, _ in pairs if found.ndim)
        sure = [sureness(self.task, *pair) for pair in pairs] if self.likelihood and one_each else []
        groups = None if self.groups is None else numpy.concatenate([answer.groups for answer in answers])
        told = [rows for rows in sure if rows is not None]
        return Share(samples, len(answers), rows, kept, numpy.concatenate(told) if told and len(told) == len(pairs) else None, groups)

    def _looked_at(self, pairs: list[Pair], answers: list[_Answer], first: int) -> numpy.ndarray | None:
        """The rows of all answers, whose scores must be numbers. Where something is wrong, each batch is looked at by itself."""
        if isinstance(self.metric, Metric) and not self.metric.by_row:
            return numpy.concatenate([answer.rows for answer in answers])
        try:
            for found, _ in pairs:
                finite(found, first)
            if isinstance(self.metric, Whole):
                return None
            return numpy.concatenate([self._rows(found, (target,), first) for found, target in pairs])
        except UserMistake:
            for number, answer in enumerate(answers, first):
                finite(answer.found, number)
                if isinstance(self.metric, Metric):
                    self._rows(answer.found, (answer.target,), number)
            raise

    def _rows(self, output: Any, targets: tuple[Any, ...], number: int) -> numpy.ndarray:
        assert isinstance(self.metric, Metric), "a metric that is a sum"
        try:
            return self.metric.rows(output, targets).cpu().numpy()
        except (RuntimeError, IndexError) as error:  # labels that the outputs have no place for, and the like
            said = next(iter(str(error).splitlines()), "")
            raise UserMistake(f"`{self.metric.name}` fails on batch {number}: {type(error).__name__}: {said}") from None


def at_once(output: Any) -> int:
    """How many batches with such outputs are looked at together."""
    found = scores(output)
    return 1 if found is None else max(1, min(_MOST, _NUMBERS // max(1, found.numel())))


def finite(found: Tensor | None, number: int) -> None:
    """A `UserMistake` where some scores of a batch are no numbers."""
    if found is None or not found.is_floating_point() or not found.ndim or bool(torch.isfinite(found.sum())):
        return
    broken = int((~torch.isfinite(found.reshape(len(found), -1)).all(1)).sum())
    if broken:  # else their sum alone is too large
        raise UserMistake(f"{broken} of {len(found)} outputs of batch {number} are no numbers", expected="finite outputs")


def _joined(answers: list[_Answer]) -> list[Pair]:
    """Scores and targets of all batches as one pair, where their shapes allow; else one by one."""
    pairs = [(answer.found, answer.target) for answer in answers if isinstance(answer.found, Tensor) and isinstance(answer.target, Tensor)]
    kinds = {(f.dtype, f.device, f.shape[1:], t.dtype, t.device, t.shape[1:]) for f, t in pairs if f.ndim and t.ndim}
    if len(pairs) < 2 or len(kinds) != 1 or len(pairs) != len(answers):
        return pairs
    return [(torch.cat([found for found, _ in pairs]), torch.cat([target for _, target in pairs]))]
