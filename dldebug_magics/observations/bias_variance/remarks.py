"""What was seen of the splits beside their errors: samples that are drawn anew, shared, or contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .chance import expected_optimism

if TYPE_CHECKING:
    from ...instruments.evaluation.augmentation import Augmented
    from . import BiasVariance
    from .repeated import Conflict, Repeated
    from .rising import Rise


def remarks(seen: BiasVariance) -> list[str]:
    """A sentence for each."""
    cut_short = [
        f"{level.given}: only its beginning was read; in sorted data that is no sample." for level in seen.levels if not level.complete
    ]
    mode = ["The model stands in training mode; it was measured in evaluation mode, on a loan, and stands as before."] * seen.in_training
    found = [*mode, *cut_short, *map(randomness, seen.augmented), *map(sharing, seen.repeated), *map(contradiction, seen.conflicts)]
    found += [f"{role}: all samples that were compared have the same target; its error is of that one alone." for role in seen.one_answer]
    return [*found, *luck(seen), *pairs(seen), *map(course, filter(None, [seen.rise]))]


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


def pairs(seen: BiasVariance) -> list[str]:
    """Which terms are differences of levels that were resampled together, and why."""
    floor, joined = seen.rung("irreducible"), [term for term in seen.terms if term.paired]
    one_split = [floor is not None and f" on {_given(seen, term.above)}:" in floor.given and term.below == floor.role for term in joined]
    by_sample, by_group = ([term.name for term, one in zip(joined, one_split, strict=True) if one is same] for same in (True, False))
    found = {"both splits hold samples of the same groups": by_group, "the reference was asked about the same samples": by_sample}
    return [f"Paired: {' and '.join(names)}; {why}, which were drawn together." for why, names in found.items() if names]


def course(found: Rise) -> str:
    """How the validation loss went on after its lowest point."""
    start = f"History of {found.epochs} epochs: the validation loss was lowest at epoch {found.epoch:g}, about {found.best:.3g} around it"
    if found.recovered:
        return f"{start}, rose, and came down again, to {found.last:.3g} at the end."
    word = "a rise beyond chance" if found.is_real else "no rise that could not be chance, with a training loss that falls"
    return f"{start}, and {found.last:.3g} at the end: {word}."


def _given(seen: BiasVariance, role: str) -> str:
    rung = seen.rung(role)
    return "" if rung is None else rung.given
