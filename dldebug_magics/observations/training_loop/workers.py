"""Questions about the workers of a loader: whether the batches that they made are alike."""

from __future__ import annotations

from ...instruments.watch.events import Begun, Drawn
from . import TrainingLoop
from .reading import in_order


def alike(loop: TrainingLoop, loader: int) -> int:
    """How many rounds of batches, one from each worker, were all the same batch, while the rounds differ; 0 where any round was not."""
    workers, rounds = loop.loaders[loader].facts.workers, set()
    for epoch in _epochs(loop, loader) if workers > 1 else ():
        for start in range(0, len(epoch) - workers + 1, workers):
            given = set(epoch[start : start + workers])
            if len(given) > 1 or 0 in given:
                return 0
            rounds |= given
    return len(rounds) if len(rounds) > 1 else 0


def repeated(loop: TrainingLoop, loader: int) -> bool:
    """Whether the generator that the workers inherit stood the same at the beginning of each of several epochs, with workers made anew."""
    states = [e.state for e in loop.of(Begun) if e.loader == loader]
    return len(states) > 1 and len(set(states)) == 1 and not loop.loaders[loader].facts.keeps_workers


def _epochs(loop: TrainingLoop, loader: int) -> list[list[int]]:
    """A word for each batch of the loader, as long as none was missed."""
    epochs: list[list[int]] = []
    for event in in_order(loop):
        if isinstance(event, Begun) and event.loader == loader:
            epochs.append([])
        elif isinstance(event, Drawn) and event.loader == loader and epochs:
            epochs[-1] += [event.content] * event.times
    return epochs
