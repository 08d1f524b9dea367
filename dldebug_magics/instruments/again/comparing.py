"""A program as it is and corrected, side by side: what is run, in which order, and when enough is known."""

from __future__ import annotations

import math
import time

from ...engine.again import LEAST, REPEATS, Pair, Trial, is_better, may_be_better
from ...engine.edits import Edit
from ...engine.memo import CannotCopy
from ..watch.log import Log
from .copies import Copies
from .course import Course

_MOST = 200  # steps
_PASSES = 5  # backward passes whose losses must come again


class NotTried(Exception):
    """Why nothing could be compared."""


def compared(copies: Copies, edits: tuple[Edit, ...], log: Log, deadline: float) -> Trial:
    """Try the edits. Raises `NotTried` where there is nothing to compare, and `TimeSpent`.

    Each repeat is four runs at most: as it is; corrected; the corrected program, judging the weights that the first one had after each
    step; and the program as it is, judging those of the second. So both are measured by either, on the same batches. Where the first judge
    says to the digit what that run had said itself, the change does not touch the loss, and there is nothing more to be judged.
    """
    if copies.refused:
        raise NotTried(copies.refused)
    if not edits:
        raise NotTried("its cure is no change of a few lines")
    steps, by_corrected, by_original, same_loss = _steps(log, deadline), list[Pair](), list[Pair](), False
    for repeat in range(REPEATS):
        try:
            as_is = copies.run((), repeat, (steps, deadline))
            _check(as_is, log if repeat == 0 else None, copies)
            corrected = copies.run(edits, repeat, (len(as_is.weights), deadline))
            _check(corrected, None, copies)
            limits = len(corrected.weights), deadline
            judged = as_is if same_loss else copies.run(edits, repeat, limits, as_is.weights)
            by_corrected.append(_pair(judged, corrected))
            if not may_be_better(by_corrected[-1]):
                break
            same_loss = same_loss or _alike(judged, as_is)
            by_original.append(by_corrected[-1] if same_loss else _pair(as_is, copies.run((), repeat, limits, corrected.weights)))
        except CannotCopy as error:
            raise NotTried(str(error)) from None
    better = is_better(by_corrected, by_original)
    return Trial(by_corrected[0], better, _outcome(by_corrected[0], better, len(by_corrected)))


def _steps(log: Log, deadline: float) -> int:
    """How many steps: as many as the program took, where all runs fit into the time; a fault may need them to show."""
    steps = min(_MOST, log.steps)
    _enough(steps, f"the program took {steps} steps")
    fitting = (deadline - time.monotonic()) / (3 * REPEATS * max(log.seconds, 1e-6) / log.steps)
    return _enough(min(steps, int(fitting)), f"there is time for {max(int(fitting), 0)} steps")


def _enough(steps: int, why: str) -> int:
    if steps < LEAST:
        raise NotTried(f"{why}, too few to compare")
    return steps


def _check(course: Course, log: Log | None, copies: Copies) -> None:
    """Whether a run says something: long enough, with one loss, and the first of all with the losses that were seen before."""
    missing = getattr(course.crashed, "name", None)
    reason = next((f"`{name}` can't be copied ({why})" for name, why in copies.world.left_out if name == missing), course.ended)
    _enough(len(course.weights), f"{f'{reason}, on copies, after' if reason else 'on copies it took'} {len(course.weights)} steps")
    if len(course.trained) > 1:
        raise NotTried("optimizers of different weights take turns, and no one loss tells how all is going")
    seen = list(log.losses[:_PASSES]) if log is not None else course.passes
    if not all(math.isclose(a, b, rel_tol=1e-3) for a, b in zip(seen, course.passes, strict=False) if math.isfinite(a)):
        raise NotTried("on copies it did not train as it had: something that it depends on is not copied")


def _alike(judged: Course, own: Course) -> bool:
    """Whether two programs give the same losses to the same weights."""
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(judged.losses, own.losses, strict=False))


def _pair(as_is: Course, corrected: Course) -> Pair:
    both = min(len(as_is.losses), len(corrected.losses))
    _enough(both, f"{f'{as_is.ended}, after' if as_is.ended else 'on copies it took'} {both} steps")
    return Pair(tuple(as_is.losses[:both]), tuple(corrected.losses[:both]))


def _outcome(pair: Pair, better: bool, repeats: int) -> str:
    as_is, corrected = (f"{value:.3g}" if math.isfinite(value) else "no number" for value in pair.ends)
    steps = len(pair.corrected)
    if better:
        return (
            f"Run again on copies, {repeats} times with other random numbers: in {steps} steps the loss goes from "
            f"{pair.corrected[0]:.3g} to {corrected} with the change, and to {as_is} without it, on average over the last third of them."
        )
    how = "no better" if pair.gain <= 0 else "hardly better" if repeats == 1 else "better by no more than chance explains"
    return (
        f"Tried on copies: with the change it trains {how}, the loss stands at {corrected} after {steps} steps, and at {as_is} without it."
    )
