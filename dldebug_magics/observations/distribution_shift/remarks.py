"""What must be known to read the comparison rightly: what was left out of it, and what of a difference the splits were made to have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..bias_variance.reading import NAMES
from ..bias_variance.remarks import randomness

if TYPE_CHECKING:
    from . import DistributionShift


def remarks(seen: DistributionShift) -> list[str]:
    """A sentence for each."""
    return [*_roles(seen), *map(randomness, seen.augmented), *_drawing(seen), *_shares(seen), *_leaks(seen), *_limits(seen)]


def _roles(seen: DistributionShift) -> list[str]:
    if seen.held_out:
        return []
    role = "train"
    return [
        f"The model was trained on {role}: its features, outputs and errors there differ from those on unseen data without any shift, so "
        "that the inputs alone were compared. A held-out split like those data (--train-val) would have all of it compared."
    ]


def _drawing(seen: DistributionShift) -> list[str]:
    found = []
    for side in (seen.source, seen.target):
        if side is not None and side.redrawn:
            found.append(f"{NAMES[side.role]}: its sampler draws some samples more often than others; that alone may be the difference.")
        if side is not None and not side.fair:
            drift = "it does not drift, so it may stand for the rest" if side.shuffled else "in sorted data that is no fair draw"
            found.append(f"{NAMES[side.role]}: a stream, of which only the beginning was drawn from; {drift}.")
    return found


def _shares(seen: DistributionShift) -> list[str]:
    if not seen.repeated or seen.target is None or seen.source is None:
        return []
    here, there = NAMES[seen.source.role], NAMES[seen.target.role]
    return [
        f"{seen.repeated} different inputs of {there} stand in {here}, too. Where that is more than rows of few values have in common, the "
        "splits were not cut apart: %data_audit and %bias_variance tell."
    ]


def _leaks(seen: DistributionShift) -> list[str]:
    if not seen.leaked or seen.source is None:
        return []
    name = NAMES[seen.source.role]
    return [f"{seen.leaked} samples of {name} stand in train, too: the model knows them, and its error on {name} says less than it seems."]


def _limits(seen: DistributionShift) -> list[str]:
    found = []
    if not seen.asked and seen.source is not None and not seen.too_few and seen.decided:
        found.append("The inputs can't be read sample by sample, or never vary; they were not compared.")
    if seen.labels is not None and not seen.labels.counted and not seen.labels.sound:
        found.append("The model does not tell the classes apart well enough to estimate their shares: take these for a hint.")
    if seen.labels is not None and seen.labels.new:
        listed = ", ".join(map(str, seen.labels.new))
        found.append(f"The target has classes that the source never shows: {listed}.")
    if seen.differs and not seen.features and seen.asked:
        found.append("No single column differs beyond chance: the difference lies in several together, or in what the model makes of them.")
    return found
