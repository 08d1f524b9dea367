"""A split that several workers evaluate at once: the same batches as in one process, and what each adds is added here, in their order.

Batches are drawn here, by the user's own sampler, once. Where they are a matter of numbers, workers read them; what is a stream, too large
to be sent, or drawn anew at each reading is read here, and sent. Where a worker fails, its batches are done again here: an exception of the
user's comes as it would have come without workers.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
import time
from collections.abc import Iterator
from concurrent.futures import TimeoutError as NotInTime
from typing import TYPE_CHECKING, Any, NoReturn

import torch

from ...engine.call import forward
from ...engine.deadline import TimeSpent
from ...engine.errors import UserMistake
from ...engine.subject import Subject
from .batches import made_anew
from .metrics import Metric
from .pools import Later, Pool
from .program import Done, Program, Run, WorkerEnded, read, settings, words_of
from .sending import Sent, must_be_shareable, packed, to_send

if TYPE_CHECKING:
    from .passes import Scored

_AHEAD = 2  # runs that wait for each worker, so that none is idle while shares are added up
_TROUBLES = {
    "program": "`{model}` can't be made again in a worker: {said}",
    "other bits": "a worker makes other outputs of the same batch: `{model}` keeps something from batch to batch, or draws random numbers",
    "chance": "random numbers are drawn in evaluating `{data}`, and each worker would draw others",
    "batch": "a worker fails in evaluating `{data}`, which this process does not: {said}",
}


def sharded(found: Scored, source: Any, name: str, pool: Pool) -> Iterator[Scored]:
    """A pass over a split by the workers of a pool; yields the growing result after each share."""
    must_be_shareable(found.subject, pool)
    shared = _Shared(found, name, pool, to_send(found.subject, source, name), made_anew(source))
    items = iter(shared.sent.items)
    for first in items:
        pool.begin(shared.program(first))
        yield from shared.shares(itertools.chain([first], items))


@dataclasses.dataclass
class _Shared:
    """One split and its workers. spare: whether nobody needs a batch once it was read."""

    found: Scored
    name: str
    pool: Pool
    sent: Sent
    spare: bool

    @property
    def left(self) -> float:
        """The seconds that are left; `TimeSpent` where there are none."""
        left = self.found.subject.deadline - time.monotonic()
        if left <= 0:
            raise TimeSpent
        return left

    def program(self, first: Any) -> bytes:
        """What workers must know, by the first batch."""
        subject, batch = self.found.subject, read(first, self.sent.material)
        spare = self.spare and self.sent.material is not None
        output, targets = forward(subject, batch, spare=spare)
        judge = self.found.judged_by(output, targets)
        metric = judge.metric if isinstance(judge.metric, Metric) else dataclasses.replace(judge.metric, value=_not_asked)
        alone = Subject(subject.model, subject.loss_fn, names=dict(subject.names), seed=subject.seed)
        judge, fewer = dataclasses.replace(judge, metric=metric, waiting=[]), max(1, torch.get_num_threads() // self.pool.size)
        made = Program(alone, judge, self.sent.packed, spare, fewer, first, words_of(output), settings())
        parts = {subject.name("model"): alone.model, subject.name("loss_fn"): alone.loss_fn, "groups": judge.groups, "metric": metric}
        return packed(made, {**parts, self.name: first}, self.pool)

    def shares(self, items: Iterator[Any]) -> Iterator[Scored]:
        """Hand out runs, a few more than there are workers, and add up what comes of them, in their order."""
        waiting: collections.deque[tuple[Run, Later]] = collections.deque()
        try:
            for run in self._runs(items):
                waiting.append((run, self.pool.submit(packed(run, {self.name: run.items}, self.pool))))
                if len(waiting) > _AHEAD * self.pool.size:
                    yield self._added(*waiting.popleft())
            while waiting:
                yield self._added(*waiting.popleft())
        finally:
            for _, later in waiting:
                later.cancel()

    def _runs(self, items: Iterator[Any]) -> Iterator[Run]:
        assert self.found.judge is not None, "the first batch was judged"
        before, together = 0, self.found.judge.together
        while some := tuple(itertools.islice(items, together)):
            yield Run(before, some, self.left)
            before += len(some)

    def _added(self, run: Run, later: Later) -> Scored:
        try:
            done = later.result(None if math.isinf(self.left) else self.left)
        except NotInTime:
            raise TimeSpent from None
        except WorkerEnded as end:
            seen = f"a worker that evaluated `{self.name}`, batch {run.before + 1} or soon after, is gone: {end}"
            raise UserMistake(seen, do=f"leave out {self.pool.option}") from None
        if done.trouble:
            self._explain(run, done)
        if done.share is not None:
            self.found.add_share(done.share)
        if not done.complete:
            raise TimeSpent
        return self.found

    def _explain(self, run: Run, done: Done) -> NoReturn:
        """Why a worker could not: an exception of the user's comes again here, with its traceback."""
        if done.trouble == "batch":
            for item in run.items:
                batch = read(item, self.sent.material)
                self.found.add(batch, *forward(self.found.subject, batch))
            self.found.settle()
        model = self.found.subject.name("model")
        raise UserMistake(_TROUBLES[done.trouble].format(model=model, data=self.name, said=done.said), do=f"leave out {self.pool.option}")


def _not_asked(found: torch.Tensor, target: torch.Tensor) -> float:
    raise AssertionError("a metric of all samples is asked where they are kept")
