"""Which kind of shift it is, if it is one: what the mixture of the inputs or of the classes does, and what is left where both are the same.

By definition (J. Quinonero-Candela et al., "Dataset Shift in Machine Learning", 2009): label shift changes how often the classes are, and
leaves what each looks like; covariate shift changes how often the inputs are, and leaves what they mean; concept shift changes that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .gap import matters

if TYPE_CHECKING:
    from . import DistributionShift
    from .matching import Matched, Part

LEVEL, SURE = 0.05, 0.01  # p-values: of a difference, and of one that an alarm may rest on
_ENOUGH = 0.3  # of the samples must count behind their weights, for what is left of the gap to be the concept's
_MOST = 0.5  # of the gap: the part that names it
LABEL, COVARIATE, CONCEPT, ANY = "label_shift", "covariate_shift", "concept_shift", "distribution_shift"


def overall(seen: DistributionShift) -> float | None:
    """The p-value of all that was tested: inputs, features and outputs, and the classes where they were counted (Bonferroni's)."""
    counted = [seen.labels.p] if seen.labels is not None and seen.labels.counted else []
    known = [*([] if seen.p is None else [seen.p]), *counted]
    return min(1.0, len(known) * min(known)) if known else None


def differs(seen: DistributionShift, level: float = LEVEL) -> bool:
    """Whether the splits hold different data."""
    p = overall(seen)
    return p is not None and p < level


def relabelled(seen: DistributionShift, level: float = LEVEL) -> bool:
    """Whether the shares of the classes differ: as counted, else as the model's outputs let them be estimated."""
    return seen.labels is not None and seen.labels.p < level


def hurts(seen: DistributionShift) -> bool | None:
    """Whether the difference costs anything; None where nobody can tell.

    Against data that the model was trained on, a gap alone says nothing, for over-fitting makes one, too: then the target itself must show
    it, by being worse where it is less like the source, or better with its inputs moved back.
    """
    gap = seen.gap
    if gap is None:
        return None
    if not gap.hurts:
        return None if gap.wide else False
    return True if seen.held_out or _shown_by_target(seen) else None


def _shown_by_target(seen: DistributionShift) -> bool:
    if seen.moved_back is not None and seen.moved_back.helps and _much_of(seen, seen.moved_back.gain, 0.2):
        return True
    if seen.new_classes is not None and _much_of(seen, seen.new_classes, 0.2):
        return True
    return any(found is not None and _counts(seen, found.moved[0], 0.2) for found in (seen.by_inputs, seen.by_classes))


def _much_of(seen: DistributionShift, value: float, share: float = _MOST) -> bool:
    """Whether a part is large enough to matter, and the better part of the gap."""
    return seen.gap is not None and bool(matters(value, seen.gap)) and value >= share * seen.gap.value


def _counts(seen: DistributionShift, part: Part, share: float = _MOST) -> bool:
    return part.interval.above_zero and _much_of(seen, part.value, share)


def kind(seen: DistributionShift) -> str:
    """The name of the one check that speaks; empty where none does."""
    if seen.too_few or not seen.decided or overall(seen) is None:
        return ""
    if not differs(seen):
        return CONCEPT if seen.held_out and seen.gap is not None and seen.gap.far and _left(seen, seen.by_classes) else ""
    if hurts(seen):
        return _of_harm(seen)
    alone = relabelled(seen) and (seen.p is None or seen.p >= LEVEL or (seen.rest is not None and seen.rest >= LEVEL))
    return LABEL if alone else COVARIATE if hurts(seen) is False else ANY


def _of_harm(seen: DistributionShift) -> str:
    """Labels are asked first, because inputs move with them; then what is left on the same inputs; then the inputs."""
    if relabelled(seen, SURE) and _by_labels(seen):
        return LABEL
    if _by_concept(seen):
        return CONCEPT
    if _by_inputs(seen):
        return COVARIATE
    return ANY


def _by_labels(seen: DistributionShift) -> bool:
    """New classes, or shares, that explain the gap."""
    if seen.new_classes is not None and _much_of(seen, seen.new_classes, _MOST if seen.held_out else 0.2):
        return True
    found = seen.by_classes
    return found is not None and any(_counts(seen, part) for part in (found.moved if seen.held_out else found.moved[:1]))


def _by_inputs(seen: DistributionShift) -> bool:
    back = seen.moved_back
    if back is not None and back.helps and _much_of(seen, back.gain, _MOST if seen.held_out else 0.2):
        return True
    found = seen.by_inputs
    return found is not None and any(_counts(seen, part) for part in (found.moved if seen.held_out else found.moved[:1]))


def _by_concept(seen: DistributionShift) -> bool:
    """Worse on the same inputs, seen from both sides, with enough samples behind the weights, and no scale to be moved back."""
    if not seen.held_out or seen.by_inputs is None or min(seen.by_inputs.share) < _ENOUGH:
        return False
    helped = seen.moved_back is not None and seen.moved_back.helps
    return not helped and _left(seen, seen.by_inputs) and _left(seen, seen.by_classes)


def _left(seen: DistributionShift, found: Matched | None) -> bool:
    """Whether the better part of the gap is left on the same mixture; where no mixture was matched nothing speaks against it."""
    return found is None or all(_counts(seen, part) for part in found.left)
