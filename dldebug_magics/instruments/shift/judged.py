"""What a model makes of each sample: what it says in numbers, the class that is true and the one that it says, and how wrong it is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy
import torch
from torch import Tensor

from ...engine.errors import UserMistake
from ...engine.subject import Subject
from ..evaluation.metrics import Metric, rmse
from ..evaluation.named import named
from ..evaluation.tasks import Task, scores, task_of

_MOST = 256  # outputs of a sample that are compared


@dataclasses.dataclass
class Judge:
    """The same measure for all splits: the first batch decides it. `metric` is empty where no sample can be told to be wrong by itself."""

    subject: Subject
    task: Task = dataclasses.field(default_factory=Task)
    metric: str = ""
    measure: Metric | None = None
    ready: bool = False

    def look(self, output: Any, targets: tuple[Any, ...]) -> None:
        """Decide by one batch: the share of wrong answers, the squared error of values, else the loss where it is one for each sample."""
        if self.ready:
            return
        self.ready, self.task = True, task_of(self.subject, output, targets) if targets else Task()
        if self.task.kind == "values":
            self.measure, self.metric = rmse(self.task), "squared error"  # whose rows are squared errors
        elif targets and (self.task.kind or self.subject.loss_fn is not None):
            asked = "error" if self.task.kind else "loss"
            try:
                found = named(asked, self.subject, self.task, output, targets)
            except (UserMistake, RuntimeError, IndexError, ValueError):  # no loss was named, or there are no labels for it
                return
            self.measure, self.metric = (found, asked) if isinstance(found, Metric) else (None, "")

    def wrong(self, output: Any, targets: tuple[Any, ...], count: int) -> numpy.ndarray | None:
        """How wrong the model is on each sample [n]; None where that is not known of each."""
        if self.measure is None or not targets:
            return None
        try:
            rows = self.measure.rows(output, targets).cpu().numpy()
        except (RuntimeError, IndexError) as error:
            said = next(iter(str(error).splitlines()), "")
            raise UserMistake(f"the {self.metric} can't be told: {type(error).__name__}: {said}") from None
        if len(rows) != count:
            self.measure, self.metric = None, ""
            return None
        return rows[:, 0] / numpy.maximum(rows[:, 1], 1e-12)

    def said(self, output: Any, count: int, name: str) -> numpy.ndarray | None:
        """The model's outputs as numbers [n, k]: probabilities of classes and flags, values as they are. `name` is the split's."""
        found = scores(output)
        if found is None or not found.ndim or len(found) != count or not found.is_floating_point():
            return None
        finite = torch.isfinite(found.reshape(count, -1)).all(1)
        if not bool(finite.all()):
            raise UserMistake(f"{int((~finite).sum())} of {count} outputs on a batch of `{name}` are no numbers", expected="finite outputs")
        found = found.detach().float()
        if self.task.kind == "classes":
            found = _per_sample(found.softmax(self.task.axis).movedim(self.task.axis, -1))
            return _few(_with_sureness(found)).cpu().numpy()
        if self.task.kind == "flags":
            found = found.sigmoid() if self.task.threshold == 0 else found
        return _few(found.reshape(count, -1)).cpu().numpy()

    def classes(self, output: Any, targets: tuple[Any, ...], count: int) -> tuple[numpy.ndarray | None, numpy.ndarray | None]:
        """The true class of each sample and the class that the model says, [n] each; None where a sample has no single class."""
        found, target = scores(output), targets[0] if targets else None
        if found is None or self.task.kind not in ("classes", "flags"):
            return None, None
        if self.task.kind == "flags":
            single = found.numel() == count
            said = (found.reshape(-1) > self.task.threshold).long() if single else None
            true = (target.reshape(-1) > 0.5).long() if isinstance(target, Tensor) and single else None
        else:
            single = found.ndim == 2
            said = found.argmax(1) if single else None
            true = (target.argmax(1) if self.task.soft else target) if isinstance(target, Tensor) and single else None
        return tuple(None if t is None else t.detach().cpu().numpy().astype(numpy.int64) for t in (true, said))  # type: ignore[return-value]


def _per_sample(found: Tensor) -> Tensor:
    """The mean over the places of a sample, of scores [n, ..., k]."""
    return found if found.ndim == 2 else found.reshape(len(found), -1, found.shape[-1]).mean(1)


def _with_sureness(found: Tensor) -> Tensor:
    """Of very many classes there is how sure the model is, and how far its doubt is spread."""
    if found.shape[1] <= _MOST:
        return found
    return torch.stack([found.max(1).values, -(found * found.clamp(min=1e-12).log()).sum(1)], 1)


def _few(found: Tensor) -> Tensor:
    return found[:, :: -(-found.shape[1] // _MOST) or 1]
