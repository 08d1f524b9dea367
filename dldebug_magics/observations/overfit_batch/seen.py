"""What is to be seen of a training run at this moment: the fields of the observation."""

from __future__ import annotations

from typing import Any

from ...engine.nested import tensors
from ...engine.subject import Subject
from .curve import Floor, Shape, shape
from .training import Training


def seen(subject: Subject, training: Training, floor: Floor, steps: int) -> dict[str, Any]:
    """The curve and its shape, which is undecided while there were fewer than the asked `steps` and nothing has happened yet."""
    losses = tuple(training.losses)
    found = Shape.CRASHED if training.crash is not None else shape(losses, floor) if losses else Shape.UNDECIDED
    if len(losses) < steps and not floor.mirrored and found not in (Shape.FELL, Shape.EXPLODES, Shape.CRASHED):
        found = Shape.UNDECIDED
    first = next(tensors(subject.batch), None)
    return {
        "shape": found,
        "losses": losses,
        "floor": floor,
        "updates": tuple(training.updates),
        "samples": first.shape[0] if first is not None and first.ndim else 1,
        "asked_steps": steps,
        "crash": training.crash,
        "default_optimizer": subject.optimizer is None,
        "in_evaluation": not subject.model.training,
    }
