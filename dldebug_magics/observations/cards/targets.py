"""Output and target as they meet in the loss: shapes, ranges, what their rows sum to, whole numbers or real ones, what is ignored.

Seen where they enter torch's loss function, also when that raises. Without one, the model's output and its targets are looked at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.errors import UserMistake
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import Calls
from ...instruments.feature_axis import LINEAR, features_last
from ...instruments.loss_entries import Entry, LossEntries
from ...instruments.softmaxes import SOFTMAXES
from ...instruments.source_lines import Line
from .by_hand import cross_entropy_by_hand, own_pair
from .meeting import Meeting

_OF_CLASSES = ("cross_entropy", "nll_loss")
_IGNORED = -100  # torch's own ignore_index


@dataclasses.dataclass(frozen=True)
class TargetCard(Observation):
    """`loss` names torch's loss function, or is empty where none was called; `raised` says that it refused what it was given.

    `by_hand` says that no loss of torch's was called, and the loss is a cross entropy of the two all the same, to the digit.
    `masked` says that entries may count differently or not at all; `declared` is the number of classes that the data set names.
    """

    loss: str
    raised: bool
    by_hand: bool
    value: float | None
    output: Meeting
    target: Meeting
    ignore_index: int
    ignored: float
    log_target: bool
    samples: int
    masked: bool
    declared: int
    features_last: bool
    loss_line: Line

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[TargetCard]:
        """One forward pass and loss, as found; a loss that raises is what is looked at, too."""
        seeded(subject.seed)
        with torch.enable_grad(), LossEntries() as entries, Calls(LINEAR | SOFTMAXES, subject.model) as layers:
            try:
                value = float(loss_of(subject).loss.detach())
            except UserMistake:
                raise
            except Exception:  # the run observed it and wrote it down; here it is what entered the loss that counts
                value = None
        entry = entries.made[-1] if entries.made else None
        output, target = own_pair(subject) if entry is None else (entry.argument(0, "input"), entry.argument(1, "target"))
        if _usable(output) and _usable(target) and output.is_floating_point():
            yield cls(
                loss="" if entry is None else entry.name,
                raised=value is None if entry is None else entry.result is None,
                by_hand=entry is None and cross_entropy_by_hand(value, output, target, layers.named_in(SOFTMAXES)),
                value=value,
                output=Meeting.of(output, listed=False),
                target=Meeting.of(target, listed=True),
                **_ignoring(entry, target),
                log_target=bool(entry is not None and entry.name == "kl_div" and entry.argument(5, "log_target", False)),
                samples=next((t.shape[0] for t in tensors(subject.batch) if t.ndim), 1),
                masked=entry is not None and _masked(entry),
                declared=_declared(subject.train),
                features_last=features_last(output, layers.named_in(LINEAR)),
                loss_line=Line() if entry is None else entry.line,
            )

    def goes_into(self, *losses: str) -> bool:
        """Whether one of these torch functions takes output and target."""
        return self.loss in losses

    @property
    def shares_one_softmax(self) -> bool:
        """Whether it is a cross entropy, torch's own or written by hand."""
        return self.by_hand or self.goes_into("cross_entropy")

    @property
    def classes(self) -> int:
        """How many classes a loss of classes sees: the length of the output's axis 1, or of its only one."""
        return self.output.shape[min(1, len(self.output.shape) - 1)] if self.output.shape else 1

    @property
    def takes_labels(self) -> bool:
        """Whether a loss of classes is given class numbers, one for each place that it looks at."""
        places = self.output.shape[:1] + self.output.shape[2:] if len(self.output.shape) > 1 else ()
        return self.goes_into(*_OF_CLASSES) and self.target.integer and self.target.shape == places

    @property
    def takes_shares(self) -> bool:
        """Whether cross entropy is given a share for each class."""
        return self.goes_into("cross_entropy") and self.target.shape == self.output.shape and not self.target.integer

    @property
    def takes_quantities(self) -> bool:
        """Whether cross entropy is given real numbers that are no shares: below 0, or above 1 and not whole."""
        (low, high), shares = self.target.span, self.takes_shares and self.target.span[0] < 0
        return self.goes_into("cross_entropy") and (shares or (not self.target.whole and (low < 0 or high > 1)))

    @property
    def counts_classes(self) -> bool:
        """Whether each sample has one whole number, below the number of its outputs or of the classes that the data set names."""
        columns = self.output.shape[1] if len(self.output.shape) == 2 else 1
        alike = self.target.numbers(self.samples) and self.output.shape[:1] == (self.samples,)
        return alike and max(columns, self.declared) > max(2, self.target.span[1])


def _usable(tensor: object) -> bool:
    return isinstance(tensor, Tensor) and tensor.numel() > 0 and not tensor.is_complex() and not tensor.is_sparse


def _ignoring(entry: Entry | None, target: Tensor) -> dict[str, Any]:
    """What a loss of classes leaves out, and the share of the targets that it leaves out."""
    index = entry.argument(4, "ignore_index", _IGNORED) if entry is not None and entry.name in _OF_CLASSES else _IGNORED
    return {"ignore_index": index, "ignored": 0.0 if target.is_floating_point() else float((target == index).float().mean())}


def _masked(entry: Entry) -> bool:
    """Whether the loss is given weights, or leaves the averaging to the user."""
    each = isinstance(entry.result, Tensor) and entry.result.ndim > 0
    return each or isinstance(entry.argument(2, "weight"), Tensor) or entry.keywords.get("reduction") == "none"


def _declared(data: Any) -> int:
    """How many `classes` a data set names, as torchvision's do; also behind a loader or a subset."""
    while data is not None:
        named = getattr(data, "classes", None)
        if isinstance(named, (list, tuple)):
            return len(named)
        data = getattr(data, "dataset", None)
    return 0
