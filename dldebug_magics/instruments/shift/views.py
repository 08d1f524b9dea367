"""One split as it is compared: of each sample its inputs, what enters the model's last linear layer, what the model says, and how wrong.

Few samples tell as much as all of them: at most `limit` are kept, drawn by `chosen`. The model is the caller's to lend.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import numpy
import torch
from torch import Tensor

from ...engine.call import forward
from ...engine.nested import mapped
from ...engine.subject import Subject
from ..evaluation.batches import Groups, groups_in
from .chosen import Chosen, rows_in
from .given import inputs_of, is_input, own_label, same_kind
from .judged import Judge
from .last_linear import LastLinear
from .named_columns import Piece, pieces
from .scale import Scale, columns_in, movable

_MOST = 512  # features that are compared


@dataclasses.dataclass
class View:
    """What was read of one split; lists hold a part for each batch. `words` are digests of the inputs of each sample.

    `name` is the user's word for it, `like` the view that it must be of one kind with, `by` what tells the `groups`.
    """

    role: str
    name: str = ""
    like: View | None = None
    by: Groups = None
    count: int = 0
    shapes: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    inputs: dict[tuple[str, str], list[Piece]] = dataclasses.field(default_factory=dict)
    parts: dict[str, list[numpy.ndarray]] = dataclasses.field(default_factory=dict)
    scales: dict[str, Scale] = dataclasses.field(default_factory=dict)
    words: list[bytes] = dataclasses.field(default_factory=list)
    groups: list[Any] = dataclasses.field(default_factory=list)

    def whole(self, name: str) -> numpy.ndarray | None:
        """One of features, outputs, true, said, wrong, over all samples; None where it is not known of all."""
        found = self.parts.get(name, [])
        same = len({part.shape[1:] for part in found}) == 1 and sum(map(len, found)) == self.count
        return numpy.concatenate(found) if same else None


def viewed(subject: Subject, judge: Judge | None, chosen: Chosen, view: View, until: float) -> Iterator[View]:
    """Fill a view, batch by batch, until `until` (of `time.monotonic`). Without a judge the model is not asked."""
    device = next((p.device for p in subject.model.parameters()), None)
    subject.model.eval()
    for batch in chosen.batches(until):
        moved = batch if device is None else mapped(batch, lambda t: t.to(device))
        given = inputs_of(subject, moved)
        count = rows_in(list(given.values())) or 0
        _add(view, given, count)
        view.groups += groups_in(batch, view.by, count) if view.by is not None else []
        if judge is not None and subject.step is None and count:
            with torch.no_grad():  # the loader's own part may want gradients
                _ask(subject, judge, view, moved, count)
        yield view


def _add(view: View, given: dict[str, Tensor], count: int) -> None:
    """The inputs of one batch."""
    if not view.shapes and view.like is not None:
        same_kind(view.like.shapes, {name: tuple(t.shape[1:]) for name, t in given.items()}, (view.like.name, view.name))
    for name, tensor in given.items() if count else ():
        view.shapes.setdefault(name, tuple(tensor.shape[1:]))
        for piece in pieces(tensor):
            view.inputs.setdefault((name, piece.kind), []).append(piece)
        if movable(tensor) and (name not in view.scales or view.scales[name].columns == columns_in(tensor)):
            view.scales.setdefault(name, Scale()).add(tensor)
    view.words += _words(list(given.values()), count)
    view.count += count


def _ask(subject: Subject, judge: Judge, view: View, batch: Any, count: int) -> None:
    """The model's part."""
    with LastLinear(subject.model) as last:
        output, targets = forward(subject, batch)
    targets = targets or own_label(batch)
    if judge.task.kind in ("classes", "flags") and targets and is_input(targets[0], inputs_of(subject, batch)):
        targets = ()  # nothing but inputs: a split without labels
    judge.look(output, targets)
    true, said = judge.classes(output, targets, count)
    found = {"outputs": judge.said(output, count, view.name), "wrong": judge.wrong(output, targets, count), "true": true, "said": said}
    found["features"] = _features(last.entered, count)
    for name, part in found.items():
        if part is not None and len(part) == count:
            view.parts.setdefault(name, []).append(part)


def _features(entered: Tensor | None, count: int) -> numpy.ndarray | None:
    """Features [n, d]: the mean over places where a layer is asked at many."""
    if entered is None or entered.ndim < 2 or len(entered) != count or not entered.is_floating_point():
        return None
    plain = entered.detach().float()
    plain = plain if plain.ndim == 2 else plain.reshape(count, -1, plain.shape[-1]).mean(1)
    return torch.nan_to_num(plain[:, :: -(-plain.shape[1] // _MOST) or 1]).cpu().numpy()


def _words(given: list[Tensor], count: int) -> Iterator[bytes]:
    flat = [t.detach().cpu().contiguous().reshape(count, -1).numpy() for t in given] if count else []
    return (hashlib.blake2b(b"".join(part[i].tobytes() for part in flat), digest_size=12).digest() for i in range(count))
