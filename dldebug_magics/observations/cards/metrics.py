"""The user's metric on predictions whose worth is known: all of them right, half of them, none of them in two ways.

They are built from the batch's own targets in the shape of the model's output. Nothing of the model is judged here, only the metric.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import LOSSES, Calls

_SURE = 4.0  # the logit of a prediction without doubt
_AROUND = (0.45, 0.55)  # logits on both sides of a threshold of 0.5; no round probability has its logit between them
Predictions = tuple[Tensor, Tensor, Tensor]


@dataclasses.dataclass(frozen=True)
class MetricCard(Observation):
    """`kind` says what is predicted: classes, flags (yes or no, as logits) or values. `faint`: right flags as logits of 0.45 and 0.55."""

    kind: str
    right: float
    half: float
    wrong: tuple[float, float]
    faint: tuple[float, float] | None

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[MetricCard]:
        """One forward pass, and the metric a few times; nothing where it can't be had, or nobody knows what right predictions are."""
        if not callable(subject.metric) or subject.step is not None or subject.loss_fn is None:
            return
        seeded(subject.seed)
        with torch.enable_grad(), Calls(LOSSES, subject.model) as calls:
            passed = loss_of(subject)
        if not isinstance(passed.output, Tensor) or len(passed.targets) != 1 or not isinstance(passed.targets[0], Tensor):
            return
        target, loss = passed.targets[0], calls.made[-1].name if calls.made else ""
        kind, built = _built(passed.output.detach(), target, loss)
        if built is None:
            return
        right, *others = built
        half = torch.where((torch.arange(len(right)) % 2 == 0).reshape(-1, *[1] * (right.ndim - 1)).to(right.device), right, others[0])
        asked = [_asked(subject.metric, prediction, target) for prediction in (right, half, *others)]
        faint = [_asked(subject.metric, right.sign() * size, target) for size in _AROUND] if kind == "flags" else None
        if all(value is not None for value in (*asked, *(faint or ()))):
            yield cls(kind, asked[0], asked[1], (asked[2], asked[3]), tuple(faint) if faint else None)  # type: ignore[arg-type]

    @property
    def between(self) -> bool:
        """Whether right predictions are beaten by wrong ones, whichever way is up."""
        others = (self.half, *self.wrong)
        return min(others) < self.right - _SLIGHT and self.right + _SLIGHT < max(others)

    @property
    def shifted(self) -> bool:
        """Whether it likes predictions that are off by one class, and no others."""
        return self.kind == "classes" and (self.right, self.wrong[1]) == (0.0, 0.0) and self.wrong[0] > 0.5

    @property
    def blind(self) -> bool:
        """Whether values in another order are worth as much as right ones, and are worth something."""
        spread = max(abs(value - self.right) for value in self.wrong)
        return self.kind == "values" and spread < _SLIGHT * abs(self.right) and abs(self.right) not in (0.0, 1.0)

    @property
    def threshold_on_logits(self) -> bool:
        """Whether a right "yes" of logit 0.45 counts as a "no", and one of 0.55 as a "yes"."""
        return self.faint is not None and abs(self.faint[0] - self.right) > _SLIGHT and abs(self.faint[1] - self.right) <= _SLIGHT


_SLIGHT = 1e-5


def _built(output: Tensor, target: Tensor, loss: str) -> tuple[str, Predictions | None]:
    """What is predicted, and right and twice wrong predictions in the shape of the output; without doubt each differs from the others."""
    places = output.shape[:1] + output.shape[2:]
    if output.ndim > 1 and output.shape[1] > 2 and not target.is_floating_point() and target.shape == places and loss in _OF_CLASSES:
        count = output.shape[1]
        if int(target.min()) >= 0 and int(target.max()) < count and loss:
            return "classes", tuple(_hot((target + shift) % count, output) for shift in (0, 1, 2))  # type: ignore[return-value]
    if output.numel() != target.numel() or len(target) < 4 or float(target.float().std()) == 0:
        return "", None
    truth = target.reshape(output.shape).to(output)
    if loss == "binary_cross_entropy_with_logits" and bool(((truth == 0) | (truth == 1)).all()):
        right = (2 * truth - 1) * _SURE
        return "flags", (right, -right, -right)
    if loss in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        return "values", (truth, truth.roll(1, 0), truth.roll(len(truth) // 2, 0))
    return "", None


_OF_CLASSES = ("cross_entropy", "nll_loss")


def _hot(labels: Tensor, output: Tensor) -> Tensor:
    return _SURE * functional.one_hot(labels.long(), output.shape[1]).movedim(-1, 1).to(output)


def _asked(metric: Callable[..., Any], prediction: Tensor, target: Tensor) -> float | None:
    """The metric's value, asked of a copy: one that keeps counts keeps them for itself. None where it does not take this."""
    try:
        with torch.no_grad():
            return float(copy.deepcopy(metric)(prediction.clone(), target.clone()))
    except Exception:  # the user's metric, which may ask for something else than the model's output
        return None
