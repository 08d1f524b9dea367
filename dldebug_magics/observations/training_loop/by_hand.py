"""Gradients that the user's code makes otherwise than by adding up backward passes, and passes that are not for a step's gradient."""

from __future__ import annotations

from collections.abc import Sequence

from ...instruments.watch.events import Event, Forward
from ...instruments.watch.updates import Clip, Scaled, Stepped


def changed(events: Sequence[Event]) -> bool:
    """Whether the gradients of the step that ends these events are others than its last pass left, and more than clipped."""
    step = events[-1]
    if not isinstance(step, Stepped) or step.empty:
        return False
    return step.changed == "replaced" or (step.changed == "in place" and not any(isinstance(e, Clip | Scaled) for e in events))


def for_more(events: Sequence[Event]) -> bool:
    """Whether a pass before a step may be for something else: an input's gradient, weights that are moved and put back, or the above."""
    asked = any(isinstance(e, Forward) and e.leaf_inputs for e in events)
    return asked or changed(events) or (isinstance(events[-1], Stepped) and events[-1].moved)
