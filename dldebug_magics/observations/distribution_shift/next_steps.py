"""What the guide does about a shift, in its order, with what was seen here filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..bias_variance.reading import NAMES

if TYPE_CHECKING:
    from . import DistributionShift

_WEIGH = (
    "each class is as before, and how often it comes is not: weigh the loss, or the outputs, by the shares above; collect more of the rest"
)
_ANEW = "the same inputs have other answers there: old labels teach the old ones; train on new ones"
_ALIKE = "moving their scale back repairs a part: look for a step that only one of the two loaders takes"


def next_steps(seen: DistributionShift) -> list[tuple[str, str]]:
    """(what, how); nothing where nothing differs, or where it does not hurt."""
    if seen.source is None or seen.target is None or not seen.kind or seen.hurts is False:
        return []
    there = NAMES[seen.target.role]
    if not seen.held_out and not seen.hurts:
        return [("tell it from over-fitting", "hold a part of the training data back before training, and name it: --train-val")]
    found = [(f"look at what fails in {there}", f"and not in {NAMES[seen.source.role]}: {_where(seen)}")]
    if seen.labels is not None and seen.labels.new:
        listed = ", ".join(map(str, seen.labels.new))
        found.append(
            (f"collect data of the classes that the source never shows: {listed}", "a model can't answer what it was never taught")
        )
    if seen.kind == "label_shift":
        return [*found, ("weigh the classes", _WEIGH)]
    if seen.kind == "concept_shift":
        return [*found, ("collect labels anew", _ANEW)]
    if seen.moved_back is not None and seen.moved_back.helps:
        found.append(("prepare the inputs alike", _ALIKE))
    return [
        *found,
        ("collect data", f"train on samples like those of {there}, first of the slices above"),
        ("synthesise data", "change training samples the way these differ (darken, blur, drop columns), and train on both"),
        ("adapt the domain", "with some labels of the target: fine-tune; without: correlation alignment or domain confusion"),
    ]


def _where(seen: DistributionShift) -> str:
    grown = next((part for part in seen.slices if part.shares[1] > part.shares[0]), None)
    if grown is not None:
        return f"samples with {grown.rule} first"
    if seen.features:
        return f"{seen.features[0].name} differs most"
    return "no column says where; look at the samples with the largest loss"
