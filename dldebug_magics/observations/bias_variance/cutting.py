"""Splits that are missing, cut from those that there are: by class, by group or by time, the same ones each time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy
from torch.utils.data import DataLoader, Subset

from ...engine.call import split
from ...engine.deadline import TimeSpent
from ...engine.errors import UserMistake
from ...engine.nested import tensors
from ...engine.samples import numbered, portions
from ...engine.subject import Subject
from ...instruments.evaluation.batches import Groups, groups_in

_FROM = {"train_val": ("train", 0.1), "test_val": ("test", 0.5)}  # what is cut, from which split, how much of it
_MOST_CLASSES = 1000


@dataclasses.dataclass(frozen=True)
class Cut:
    """Entries of the dataset of split `source` that become the new split `role`, and those that are left; `how` they were drawn.

    `name` is the user's own word for the source.
    """

    role: str
    source: str
    chosen: tuple[int, ...]
    left: tuple[int, ...]
    how: str
    name: str = ""


def cuts(subject: Subject, given: Mapping[str, Any], groups: Groups, times: Groups) -> tuple[Cut, ...]:
    """The rungs that are missing and can be cut. What has no numbers can't be cut, and is returned empty."""
    found = []
    for role, (source, share) in _FROM.items():
        taken = role in given or (role == "test_val" and "val" in given)
        if taken or source not in given:
            continue
        data = numbered(given[source])
        if data is not None and len(data.dataset) > 1:
            made = _cut(role, source, share, _columns(subject, given[source], groups, times))
            found.append(dataclasses.replace(made, name=subject.name(source)))
        else:
            found.append(Cut(role, source, (), (), ""))
    return tuple(found)


def _columns(subject: Subject, source: Any, groups: Groups, times: Groups) -> dict[str, numpy.ndarray | None]:
    """The label, group and time of each sample, in the order of the dataset; None where there are none."""
    columns: dict[str, list[Any]] = {"labels": [], "groups": [], "times": []}
    data = numbered(source)
    assert data is not None, "it was asked"
    for portion in portions(source, len(data.dataset)):
        if time.monotonic() > subject.deadline:
            raise TimeSpent
        count, target = len(portion.numbers), next(tensors(split(subject, portion.batch)[2]), None)
        if target is not None and target.ndim == 1 and len(target) == count and not target.is_floating_point():
            columns["labels"] += target.tolist()
        columns["groups"] += groups_in(portion.batch, groups, count) if groups is not None else []
        columns["times"] += groups_in(portion.batch, times, count) if times is not None else []
    full = {name: numpy.array(column) if len(column) == len(data.dataset) else None for name, column in columns.items()}
    return {**full, "numbers": numpy.arange(len(data.dataset))}


def _cut(role: str, source: str, share: float, columns: dict[str, Any]) -> Cut:
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    numbers, labels = columns["numbers"], columns["labels"]
    if columns["times"] is not None:
        order, count = numpy.argsort(columns["times"], kind="stable"), round(share * len(numbers))
        chosen = order[-count:] if role == "train_val" else order[:count]  # train-val is what comes after train, test-val before test
        return _made(role, source, numbers, chosen, "by time")
    if columns["groups"] is not None:
        _, chosen = next(GroupShuffleSplit(1, test_size=share, random_state=0).split(numbers, groups=columns["groups"]))
        return _made(role, source, numbers, chosen, "whole groups, at random with seed 0")
    stratified = (
        labels is not None and 1 < len(set(labels.tolist())) <= _MOST_CLASSES and min(numpy.unique(labels, return_counts=True)[1]) > 1
    )
    try:
        _, chosen = train_test_split(numbers, test_size=share, random_state=0, stratify=labels if stratified else None)
    except ValueError:  # fewer samples than classes
        stratified = False
        _, chosen = train_test_split(numbers, test_size=share, random_state=0)
    return _made(role, source, numbers, chosen, f"at random with seed 0{', as many of each class' if stratified else ''}")


def _made(role: str, source: str, numbers: numpy.ndarray, chosen: numpy.ndarray, how: str) -> Cut:
    left = numpy.setdiff1d(numbers, chosen)
    return Cut(role, source, tuple(sorted(chosen.tolist())), tuple(left.tolist()), how)


def splits(seen: Any, **sources: Any) -> dict[str, Any]:
    """The new splits, and what is left of those that they were cut from: `report.splits()` gives their entries, as tuples of numbers.

    sources: the loader or dataset of each split that was cut, by its role; `report.splits(train=train_loader)` gives each a
    `torch.utils.data.Subset` of it. A `UserMistake` where nothing was cut from a split of that name, or it has another length.
    """
    made = [cut for cut in seen.cuts if cut.chosen and (not sources or cut.source in sources)]
    strange = [role for role in sources if role not in {cut.source for cut in made}]
    if strange:
        can = ", ".join(cut.source for cut in seen.cuts if cut.chosen)
        raise UserMistake(f"nothing was cut from `{strange[0]}`", expected=can or "a report with --make-splits")
    return {role: part for cut in made for role, part in _parts(cut, sources.get(cut.source))}


def _parts(cut: Cut, source: Any) -> list[tuple[str, Any]]:
    parts = [(cut.role, cut.chosen), (cut.source, cut.left)]
    if source is None:
        return parts
    dataset: Any = source.dataset if isinstance(source, DataLoader) else source
    wanted = len(cut.chosen) + len(cut.left)
    if len(dataset) != wanted:
        raise UserMistake(f"`{cut.source}` has {len(dataset)} samples", expected=f"the {wanted} that were cut")
    return [(role, Subset(dataset, numbers)) for role, numbers in parts]
