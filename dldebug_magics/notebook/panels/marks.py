"""The steps of a watched loop that one jumps to: what happened there and does not happen in most steps, and the ends of its curves."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...instruments.watch.events import Event
    from ...observations.training_loop import TrainingLoop

Series = Mapping[str, tuple[Sequence[int], Sequence[float]]]
_WORDS = {"Begun": "a loader is begun", "Made": "an optimizer or a scheduler is made"}
_WORDS |= {"Scheduled": "a scheduler steps", "Saved": "weights are saved", "ZeroGrad": "gradients are cleared"}
_WORDS |= {"Clip": "gradients are clipped", "Forward": "a model runs", "Drawn": "a loader gives a batch", "Backward": "a backward pass"}
_SELDOM = 0.5  # of the steps that were noted
_FEW = 0.1  # of the steps: a rate that changes more often has a course, and no events
_MOST = 4  # that a sentence can tell of one step


class Marks:
    """`at`: what there is to say, by the number of the step. `series`: the curves, by name."""

    def __init__(self, loop: TrainingLoop, series: Series):
        found: dict[int, dict[str, None]] = {}
        for step, told in (*_broken(loop), *_rates(series), *_ends(series), *_seldom(loop)):
            if step < loop.taken:
                found.setdefault(step, {})[told] = None
        self.at = {step: [*found[step]] for step in sorted(found)}
        self.steps = [*self.at]

    def before(self, step: int) -> int | None:
        """The last that lies before a step; None where there is none."""
        place = bisect_left(self.steps, step)
        return self.steps[place - 1] if place else None

    def behind(self, step: int) -> int | None:
        """The first that lies behind a step."""
        place = bisect_right(self.steps, step)
        return self.steps[place] if place < len(self.steps) else None

    def told(self, step: int) -> str:
        """What there is to say of a step."""
        told = self.at.get(step)
        if told is None:
            return f"Step {step} is as most are; {len(self.steps)} others have something of their own."
        more = f", and {len(told) - _MOST} more" if len(told) > _MOST else ""
        return f"Event {self.steps.index(step) + 1} of {len(self.steps)}: {'; '.join(told[:_MOST])}{more}."


def _seldom(loop: TrainingLoop) -> Iterator[tuple[int, str]]:
    """What most of the noted steps have not; and evaluations, which are counted in steps that are not noted, too."""
    often = Counter(kind for step in loop.steps for kind in {type(event).__name__ for event in step.events})
    for step in loop.steps:
        for event in step.events:
            kind = type(event).__name__
            if often[kind] <= _SELDOM * len(loop.steps):
                place = f" ({event.line.place})" if event.line.place else ""
                yield step.number, f"{_word(event)}{place}"
    if len(loop.evaluations) <= _SELDOM * loop.taken:
        yield from ((evaluation.step, "the model was evaluated before it") for evaluation in loop.evaluations)


def _word(event: Event) -> str:
    """What a happening is called in a sentence."""
    kind = type(event).__name__
    if kind == "Mode":
        return f"{'train' if getattr(event, 'training', True) else 'eval'}() is called"
    return _WORDS.get(kind, kind.lower())


def _rates(series: Series) -> Iterator[tuple[int, str]]:
    steps, rates = series.get("rate", ((), ()))
    changed = [place for place in range(1, len(rates)) if rates[place] != rates[place - 1]]
    if len(changed) <= _FEW * len(rates):
        yield from ((steps[place], f"the rate goes from {rates[place - 1]:.3g} to {rates[place]:.3g}") for place in changed)


def _ends(series: Series) -> Iterator[tuple[int, str]]:
    """The lowest and the largest value that one looks for in a curve, as far as it has a course."""
    for name, largest in (("loss", False), ("loss", True), ("gradient norm", True)):
        steps, values = series.get(name, ((), ()))
        known = [place for place, value in enumerate(values) if math.isfinite(value)]
        if len(known) > 1 and len({values[place] for place in known}) > 1:
            best = (max if largest else min)(known, key=values.__getitem__)
            yield steps[best], f"the {'largest' if largest else 'lowest'} {name}"


def _broken(loop: TrainingLoop) -> Iterator[tuple[int, str]]:
    if loop.spoilt is not None:
        yield loop.spoilt.number, "the loss is not finite from here on"
    if loop.crash is not None:
        yield max(loop.taken - 1, 0), f"the last step before {loop.crash.kind} ended the loop"
