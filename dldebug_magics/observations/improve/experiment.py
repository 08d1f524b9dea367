"""The experiment: the program as it is trained again, each change beside it, and parts of the data, as far as the time goes."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Generator, Iterator

from ...engine.remedy import Remedy
from .arms import AS_IT_IS, Arm, Missed, Run
from .own import Own, looked_at, matched, nowhere_near, steps_taken
from .plan import SHORT, Plan, Wish, planned
from .results import Untried
from .rounds import LATE, all_seeds, first_round, kept, run, with_what_is_left
from .run import Pilots

PARTS = (0.125, 0.25, 0.5)
_STEPS = 32  # that a run has at least


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A change of a remedy, as an arm."""

    remedy: Remedy
    arm: Arm


@dataclasses.dataclass
class Experiment:
    """All runs, by arm and seed. Iterate over `go` for progress; what is known stands in the fields at any moment.

    with_curve: whether a learning curve is wanted. passes: over the pilot's data; 0 for as many as the user's own training had, or as the
    time allows. sign: 1 where less of the metric is better, else -1. wanted: samples that a run would see had it all the time.
    """

    pilots: Pilots
    seeds: int
    passes: int
    with_curve: bool
    judge: str
    sign: float
    candidates: list[Candidate] = dataclasses.field(default_factory=list)
    untried: list[Untried] = dataclasses.field(default_factory=list)
    runs: dict[str, dict[int, Run]] = dataclasses.field(default_factory=dict)
    first: dict[str, Run] = dataclasses.field(default_factory=dict)
    stopped: dict[str, str] = dataclasses.field(default_factory=dict)
    own: Own | None = None
    plan: Plan | None = None
    wanted: float = math.inf
    crash: str = ""
    why_not_anew: str = ""
    no_curve: str = ""

    def __post_init__(self) -> None:
        left = self.pilots.subject.deadline - time.monotonic()
        self.pilots.until = self.pilots.subject.deadline - (min(1.0, 0.1 + 0.05 * left) if math.isfinite(left) else 0.0)

    @property
    def results(self) -> int:
        """How many runs are over, or came to nothing."""
        return len(self.first) + len(self.stopped) + sum(len(done) for done in self.runs.values())

    def go(self) -> Iterator[str]:
        """Everything, in order."""
        plan = yield from self._begun()
        if plan is None or not (yield from self._again(plan)):
            return
        going_on, others = [candidate for candidate in self.candidates if not candidate.arm.rides], list[Candidate]()
        if plan.first_round:
            known = yield from first_round(self, round(SHORT * plan.samples), plan.survivors)
            going_on, others = known[: plan.survivors], known[plan.survivors :]
        parts = [Arm(f"{share:g} of the data", AS_IT_IS.change, share) for share in PARTS] if self.with_curve and plan.curve else []
        if self.with_curve and not parts:
            self.no_curve = f"{LATE}: runs on parts of the data did not fit into it"
        yield from all_seeds(self, [*(candidate.arm for candidate in going_on), *parts], plan.samples)
        yield from with_what_is_left(self, others, plan.samples)

    def _begun(self) -> Generator[str, None, Plan | None]:
        """How the user's model stands, and how long runs are to be."""
        self.pilots.riders = tuple(candidate.arm for candidate in self.candidates if candidate.arm.rides)
        own = looked_at(self.pilots)
        if isinstance(own, Missed):
            self.crash = own.why
            return None
        self.own, data = own, self.pilots.data
        yield "your model as it stands"
        self.wanted = self.passes * data.samples or steps_taken(self.pilots.subject.optimizer) * data.batch_size or math.inf
        if not own.anew:
            self._from_yours("too much of it belongs to layers that do not say how their weights begin")
        self.plan = self._planned(own)
        if math.isinf(self.wanted) and own.anew:
            found = yield from matched(self.pilots, own, self.plan.samples, self.sign)
            if isinstance(found, Missed):
                self.crash = found.why
                return None
            self.wanted = found
            self.plan = self._planned(own)
        return self.plan

    def _planned(self, own: Own) -> Plan:
        left, data = min(self.pilots.until - time.monotonic(), 1e6), self.pilots.data
        least = int(self.wanted) if self.passes else int(min(self.wanted, _STEPS * data.batch_size))
        lengths = tuple(candidate.arm.times for candidate in self.candidates if not candidate.arm.rides)
        wish = Wish(lengths, PARTS if self.with_curve else (), self.seeds, self.wanted, least)
        return planned(left, own.pace, own.beside, wish)

    def _again(self, plan: Plan) -> Generator[str, None, bool]:
        """The program as it is, trained again once; from the user's weights where that does not come near them."""
        assert self.own is not None, "it was looked at"
        found = yield from run(self, AS_IT_IS, 0, plan.samples)
        if isinstance(found, Run) and self.pilots.anew and nowhere_near(self.own, found, self.sign):
            self._from_yours("trained again, it came less than half of the way to your model in the time there was")
            found = yield from run(self, AS_IT_IS, 0, plan.samples)
        if isinstance(found, Missed):
            self.crash = found.why
            return False
        kept(self, AS_IT_IS, 0, found)
        return True

    def _from_yours(self, why: str) -> None:
        self.pilots.anew, self.why_not_anew = False, why
        if self.with_curve:
            self.with_curve, self.no_curve = False, "your weights, with which pilots begin here, have seen all of the data"
