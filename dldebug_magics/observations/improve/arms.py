"""What is compared, and what comes of it."""

from __future__ import annotations

import dataclasses

from ...engine.errors import UserMistake
from ...engine.remedy import Change, unchanged
from ...instruments.pilots.worth import Worth


@dataclasses.dataclass(frozen=True)
class Arm:
    """What is compared: a change, or the program as it is; on a share of the pilot's data, with as many passes over it."""

    name: str
    change: Change
    share: float = 1.0

    @property
    def times(self) -> float:
        """How many times as many samples it sees as the program as it is."""
        return self.change.times * self.share

    @property
    def rides(self) -> bool:
        """Whether it changes only what is trained already, so that the program as it is need not be trained again for it."""
        return self.change.before is unchanged and self.times == 1


AS_IT_IS = Arm("as it is", Change("as it is"))


@dataclasses.dataclass(frozen=True)
class Run:
    """What came of a run: what it is worth by rung, the number of weights, seconds a trained sample and for all else; whether model or data
    were other ones."""

    worths: dict[str, Worth]
    weights: int
    pace: float
    beside: float
    restructured: bool


@dataclasses.dataclass(frozen=True)
class Missed:
    """Why a run came to nothing: the time was spent, or what the user's program said."""

    why: str
    late: bool = False


def said(error: Exception) -> str:
    """Why a run came to nothing, in the program's words: a change that does not fit it is told, and never ranked."""
    text = str(error) if isinstance(error, UserMistake) else f"crashed: {type(error).__name__}: {error}"
    return text.partition("\n")[0]
