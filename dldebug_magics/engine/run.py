"""What the engine asks of an experiment that a cure can repair: it passes or not, and says how far it is from passing."""

from __future__ import annotations

from typing import Protocol


class Run(Protocol):
    """An observation of a training run. `excess` is the distance from passing: 0 at the floor, infinite after a crash."""

    losses: tuple[float, ...]

    @property
    def crash(self) -> object | None: ...

    @property
    def passed(self) -> bool: ...

    @property
    def decided(self) -> bool: ...

    @property
    def excess(self) -> float: ...

    @property
    def first(self) -> float: ...

    @property
    def final(self) -> float: ...

    def told(self) -> str:
        """What the run did, in half a sentence."""
