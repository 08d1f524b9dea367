"""What a model is worth on a split, growing batch by batch: a metric's sums in buckets, or what is kept for a metric that is none."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy
import torch

from ...engine.errors import UserMistake
from ...engine.subject import Subject
from .batches import Groups
from .bootstrap import DRAWS, drawn
from .buckets import Buckets, numbers
from .confidence import Confidence, are_probabilities
from .judging import Judge, Share, at_once, finite
from .kept import Kept, Whole
from .members import Members
from .metrics import Metric, mean
from .named import named
from .tasks import Task, scores, task_of

Asked = str | Metric | Whole | Callable[..., Any] | None


class Scored:
    """What a model is worth on one split. Give it batches, then read `value` and `draws`."""

    def __init__(self, subject: Subject, metric: Asked = None, groups: Groups = None):
        self.subject, self.asked, self.groups = subject, metric, groups
        self.metric: Metric | Whole | None = None
        self.task = Task()
        self.samples = 0
        self.batches = 0
        self.judge: Judge | None = None
        self._sums: Buckets | Kept | None = None
        self._confidence = Confidence()
        self._members = Members() if groups is not None else None
        self._entered = self._entered_batches = 0

    def add(self, batch: Any, output: Any, targets: tuple[Any, ...]) -> None:
        """One batch and what the model made of it."""
        judge = self.judged_by(output, targets)
        self.samples += judge.add(batch, output, targets)
        self.batches += 1
        if judge.full:
            self._enter(judge.share())

    def judged_by(self, output: Any, targets: tuple[Any, ...]) -> Judge:
        """What turns outputs into numbers, which the first batch decides."""
        if self.judge is None:
            finite(scores(output), 1)
            self.task = task_of(self.subject, output, targets)
            self.metric = named(self.asked, self.subject, self.task, output, targets)
            likelihood, together = are_probabilities(self.subject.loss_fn), at_once(output)
            self.judge = Judge(self.task, self.metric, self.groups, likelihood, together)
        return self.judge

    def add_loss(self, loss: float, count: int) -> None:
        """One batch of a program that gives nothing but its loss."""
        if self.metric is None:
            if self.asked not in (None, "loss") and not isinstance(self.asked, Metric):
                raise UserMistake("a `step` gives a loss, and no outputs that another metric could be asked about", do="--metric loss")
            self.metric = Metric("loss", lambda output, targets: torch.zeros(0, 2), mean)
        self.add_share(Share(count, 1, numpy.array([[loss * count, count]]), (), None, numbers(self.batches, 1)))

    def add_share(self, share: Share) -> None:
        """Some batches that were judged elsewhere."""
        self.samples, self.batches = self.samples + share.samples, self.batches + share.batches
        if self.judge is not None:
            self.judge.done += share.batches
        self._enter(share)

    def _enter(self, share: Share) -> None:
        members = numbers(self._entered, share.samples) if share.groups is None else share.groups
        if share.sure is not None:
            self._confidence.buckets.add(share.sure, members)
        if self._members is not None:
            self._members.add(members)
        if share.rows is None:
            kept = self._sums = self._sums if isinstance(self._sums, Kept) else Kept(self.metric)  # type: ignore[arg-type]
            kept.add(share.kept, members)
        else:
            buckets = self._sums = self._sums if isinstance(self._sums, Buckets) else Buckets(share.rows.shape[1])
            together = len(share.rows) == len(members)
            self._members = self._members if together else None
            buckets.add(share.rows, members if together else numbers(self._entered_batches, len(share.rows)))
        self._entered += share.samples
        self._entered_batches += share.batches

    def settle(self) -> None:
        """Add up what waits: batches of few numbers are looked at together."""
        if self.judge is not None and self.judge.waiting:
            self._enter(self.judge.share())

    @property
    def sums(self) -> Buckets | Kept | None:
        """The metric's sums over all batches so far, or what is kept of them."""
        self.settle()
        return self._sums

    @property
    def members(self) -> Members | None:
        """The groups that were met; None where none were asked for, or the metric has no number for each sample."""
        self.settle()
        return self._members

    @property
    def confidence(self) -> Confidence:
        """How sure the model was in all batches so far."""
        self.settle()
        return self._confidence

    @functools.cached_property
    def value(self) -> float:
        """The metric on the whole split."""
        if isinstance(self.sums, Kept):
            return self.sums.value
        assert isinstance(self.metric, Metric) and self.sums is not None, "something was added"
        return float(self.metric.value(self.sums.total))

    def draws(self, generator: numpy.random.Generator) -> numpy.ndarray:
        """The metric on `DRAWS` resamples of the split."""
        if isinstance(self.sums, Kept):
            return self.sums.draws(generator, DRAWS)
        assert isinstance(self.metric, Metric) and self.sums is not None, "something was added"
        return drawn(self.sums.filled, self.metric.value, self.metric.prior, generator)
