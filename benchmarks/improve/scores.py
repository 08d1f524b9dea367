"""What was answered, held against the truth: the place of what truly helps most, and whether effects have the right sign and interval."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence

from .answers import Answer, Told
from .truth import Effect, Record, best, effects


@dataclasses.dataclass(frozen=True)
class Score:
    """place, place_of_change: of the true best among the remedies, and among their changes, from 1; None where it was not ranked.

    signs: of the effects whose sign the truth is sure of, how many have it, and how many there are. held: of the intervals, how many hold
    the true effect, and how many there are.
    """

    answer: Answer
    best: list[Effect]
    place: int | None
    place_of_change: int | None
    signs: tuple[int, int]
    held: tuple[int, int]

    @property
    def good(self) -> bool:
        """Whether what truly helps most was ranked first or second."""
        return self.place is not None and self.place <= 2


def score(answer: Answer, record: Record) -> Score:
    """One answer against the record of its problem. What the guide does not recommend is nobody's best."""
    discouraged = {told.name for told in answer.ranked if not told.recommended}
    first = best(record, discouraged)
    remedies = list(dict.fromkeys(told.remedy for told in answer.ranked))
    truth = {effect.name: effect for effect in effects(record)}
    both = [(told, truth[told.name]) for told in answer.ranked if told.known and told.name in truth]
    sure = [(told, true) for told, true in both if abs(true.value) > true.half]
    return Score(
        answer,
        first,
        _place(remedies, {effect.remedy for effect in first}),
        _place([told.name for told in answer.ranked], {effect.name for effect in first}),
        (sum((told.value < 0) == (true.value < 0) for told, true in sure), len(sure)),
        (sum(told.low <= true.value <= told.high for told, true in both), len(both)),
    )


def _place(ranked: Sequence[str], wanted: set[str]) -> int | None:
    return next((place for place, name in enumerate(ranked, 1) if name in wanted), None)


def lines(scores: Sequence[Score]) -> Iterable[str]:
    """A block a problem, and the totals."""
    for one in scores:
        said, true = one.answer, " or ".join(f"{effect.name} ({effect.value:+.3f} ± {effect.half:.3f})" for effect in one.best)
        share = f", {100 * said.seen / said.wanted:.0f} % of the user's training" if said.wanted not in (0, float("inf")) else ""
        yield f"{said.problem}: {said.term}; {said.seconds:.0f} s{share}{'' if said.untouched else '; NOT LEFT AS IT WAS'}"
        yield f"  truly best: {true}"
        yield f"  its place: {one.place or 'not ranked'} of the remedies, {one.place_of_change or 'not ranked'} of the changes"
        yield from (f"  {place}. {_shown(told)}" for place, told in enumerate(said.ranked[:4], 1))
    yield f"first or second: {sum(one.good for one in scores)} of {len(scores)}; first: {sum(one.place == 1 for one in scores)}"
    yield (
        "signs: " + _share([one.signs for one in scores]) + "; intervals that hold the true effect: " + _share([one.held for one in scores])
    )
    took = [one.answer.seconds for one in scores]
    yield f"seconds of an answer: {statistics.median(took):.0f} in the middle, {max(took):.0f} at most" if took else "nothing was asked"


def _shown(told: Told) -> str:
    return f"{told.name}: {told.value:+.3f} ({told.low:+.3f} to {told.high:+.3f})"


def _share(counted: Sequence[tuple[int, int]]) -> str:
    right, of = (sum(column) for column in zip(*counted, strict=True)) if counted else (0, 0)
    return f"{right} of {of} ({100 * right / max(1, of):.0f} %)"
