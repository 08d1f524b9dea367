"""One pass over a split, in evaluation mode, without gradients, with the weights as they are: what the model is worth there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import torch

from ...engine import snapshot
from ...engine.call import forward, loss_of
from ...engine.errors import UserMistake
from ...engine.nested import mapped
from ...engine.subject import Subject
from .batches import Groups, batches, groups_in, length, made_anew
from .bootstrap import DRAWS, drawn
from .buckets import Buckets, names, numbers
from .confidence import Confidence
from .kept import Kept, Whole
from .metrics import Metric, mean
from .named import named
from .tasks import Task, scores, task_of

Asked = str | Metric | Whole | Callable[..., Any] | None


class Scored:
    """What a model is worth on one split. Give it batches, then read `value` and `draws`."""

    def __init__(self, subject: Subject, metric: Asked = None, groups: Groups = None):
        self.subject, self.asked, self.groups = subject, metric, groups
        self.metric: Metric | Whole | None = None
        self.sums: Buckets | Kept | None = None
        self.task, self.confidence = Task(), Confidence(subject.loss_fn)
        self.samples = 0
        self.batches = 0

    def add(self, batch: Any, output: Any, targets: tuple[Any, ...]) -> None:
        """One batch and what the model made of it."""
        found = scores(output)
        if found is not None and found.is_floating_point() and not bool(torch.isfinite(found).all()):
            broken = int((~torch.isfinite(found.reshape(len(found), -1)).all(1)).sum())
            raise UserMistake(f"{broken} of {len(found)} outputs of batch {self.batches + 1} are no numbers", expected="finite outputs")
        if self.metric is None:
            self.task = task_of(self.subject, output, targets)
            self.metric = named(self.asked, self.subject, self.task, output, targets)
        count = length(targets, found)
        if isinstance(self.metric, Whole) and (found is None or not targets):
            raise UserMistake(
                f"`{self.metric.name}` has nothing to compare", expected="scores in the model's output, and targets in a batch"
            )
        self._enter(batch, output, targets, count)
        self.samples, self.batches = self.samples + count, self.batches + 1

    def add_loss(self, loss: float, count: int) -> None:
        """One batch of a program that gives nothing but its loss."""
        if self.metric is None:
            if self.asked not in (None, "loss") and not isinstance(self.asked, Metric):
                raise UserMistake("a `step` gives a loss, and no outputs that another metric could be asked about", do="--metric loss")
            self.metric = Metric("loss", lambda output, targets: torch.zeros(0, 2), mean)
        buckets = self.sums = self.sums if isinstance(self.sums, Buckets) else Buckets(2)
        buckets.add(numpy.array([[loss * count, count]]), numbers(self.batches, 1))
        self.samples, self.batches = self.samples + count, self.batches + 1

    def _enter(self, batch: Any, output: Any, targets: tuple[Any, ...], count: int) -> None:
        members = numbers(self.samples, count) if self.groups is None else names(groups_in(batch, self.groups, count))
        self.confidence.add(self.task, output, targets, members)
        if isinstance(self.metric, Whole):
            kept = self.sums = self.sums if isinstance(self.sums, Kept) else Kept(self.metric)
            return kept.add(output, targets, members)
        rows = self._rows(output, targets)
        buckets = self.sums = self.sums if isinstance(self.sums, Buckets) else Buckets(rows.shape[1])
        buckets.add(rows, members if len(rows) == count else numbers(self.batches, len(rows)))

    def _rows(self, output: Any, targets: tuple[Any, ...]) -> numpy.ndarray:
        assert isinstance(self.metric, Metric), "a metric that is a sum"
        try:
            return self.metric.rows(output, targets).cpu().numpy()
        except (RuntimeError, IndexError) as error:  # labels that the outputs have no place for, and the like
            said = next(iter(str(error).splitlines()), "")
            raise UserMistake(f"`{self.metric.name}` fails on batch {self.batches + 1}: {type(error).__name__}: {said}") from None

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


def scored(subject: Subject, source: Any, name: str, metric: Asked = None, groups: Groups = None) -> Iterator[Scored]:
    """Pass over a split; yields the same growing result after each batch. The model is the caller's to lend: its modes are changed."""
    found = Scored(subject, metric, groups)
    subject.model.eval()
    spare = made_anew(source)
    device = next((p.device for p in subject.model.parameters()), None)
    with torch.no_grad(), snapshot.reading(source):
        for batch in batches(source, name):
            batch = batch if device is None else mapped(batch, lambda t: t.to(device))
            if subject.step is None:
                found.add(batch, *forward(subject, batch, spare=spare))
            else:
                with torch.enable_grad():  # a step may well ask for gradients on its way to a loss
                    found.add_loss(float(loss_of(subject, batch).loss), length((batch,), None))
            yield found
    if not found.samples:
        raise UserMistake(f"`{name}` is empty: it yields no sample")
