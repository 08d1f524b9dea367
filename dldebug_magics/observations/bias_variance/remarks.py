"""What was seen of the splits beside their errors: samples that are drawn anew, shared, or contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .chance import expected_optimism

if TYPE_CHECKING:
    from ...instruments.evaluation.augmentation import Augmented
    from . import BiasVariance
    from .repeated import Conflict, Repeated


def remarks(seen: BiasVariance) -> list[str]:
    """A sentence for each."""
    cut_short = [
        f"{level.given}: only its beginning was read; in sorted data that is no sample." for level in seen.levels if not level.complete
    ]
    return [*cut_short, *map(randomness, seen.augmented), *map(sharing, seen.repeated), *map(contradiction, seen.conflicts), *luck(seen)]


def randomness(found: Augmented) -> str:
    """What was found of a split whose samples are drawn anew at each reading."""
    steps = ", ".join(found.steps)
    start = f"{found.role}: samples differ from reading to reading; augmentation is on."
    done = f" Left out for this measurement, on a copy: {steps}." if steps else ""
    rest = " It could not be turned off without guessing, so it is measured with it: pass the split without augmentation."
    return f"{start}{done}{(' What is left still differs.' if steps else '') + rest if found.stays else ''}"


def sharing(pair: Repeated) -> str:
    """What two splits have in common."""
    how = "the same entries of one dataset" if pair.by_number else "equal number for number"
    return f"{pair.count} of the {pair.samples} samples of {pair.there} stand in {pair.here}, too ({how})."


def contradiction(found: Conflict) -> str:
    """What equal inputs with different labels say of the irreducible error."""
    share = f"{100 * found.wrong / found.samples:.2g} %"
    return (
        f"{found.role}: equal inputs have different labels; {found.wrong} of {found.samples} labels can't be met ({share}). "
        "The irreducible error is at least that there; it is no estimate of all of it."
    )


def luck(seen: BiasVariance) -> list[str]:
    """What the best of many trials owes to chance."""
    optimism = expected_optimism(seen)
    if optimism is None:
        return []
    size = f"{100 * optimism:.1f} points" if seen.is_share else f"{optimism:.3g}"
    return [f"The best of {seen.trials} trials looks better on validation data than it is by up to {size}, by luck alone."]
