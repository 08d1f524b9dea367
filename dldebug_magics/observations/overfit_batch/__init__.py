"""Can the model memorise one small batch? The guide's first question to any training program, and the road to most of its faults."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from statistics import median
from typing import ClassVar

from ...document import Block
from ...engine.ambient import seeded
from ...engine.evidence import Finding
from ...engine.observation import Observation
from ...engine.subject import Subject
from . import variation, wording
from .curve import UNKNOWN, Floor, Shape, last
from .minimum import CLEARLY, at_a_minimum
from .objective import as_loss
from .seen import seen
from .stopping import PAUSE, decided, third_of
from .training import Crash, Training


@dataclasses.dataclass(frozen=True)
class OverfitBatch(Observation):
    """Train a copy on one small frozen batch, and say why it does not memorise it if it does not.

    Uses your own loss, optimizer class and settings (the guide's Adam at 3e-4 where none is given, and says so). The run ends as soon as
    the loss is at its attainable floor; otherwise suspects are tried, each by training a copy without the fault. Nothing of yours changes.

    Examples:
        %overfit_batch net loss_fn optimizer train_loader
        %overfit_batch net nn.CrossEntropyLoss() optimizer (images, labels) --steps 500
        report = %overfit_batch net --size 8 --budget 30 --quiet

    Source: Full Stack Deep Learning, troubleshooting guide, "overfit a single batch"; A. Karpathy, "A recipe for training neural networks".
    """

    stage: ClassVar[str] = "overfit"

    shape: Shape
    losses: tuple[float, ...] = ()
    floor: Floor = UNKNOWN
    updates: tuple[tuple[int, float], ...] = ()
    samples: int = 0
    asked_steps: int = 300
    crash: Crash | None = None
    default_optimizer: bool = False
    in_evaluation: bool = False
    settled: bool = False
    otherwise: str = ""

    varied = staticmethod(variation.varied)

    @classmethod
    def measure(
        cls, subject: Subject, *, steps: int = 300, size: int = 32, batch: int = 0, lr_factor: float = 1.0, regularisation: bool = True
    ) -> Iterator[OverfitBatch]:
        """Train on the frozen batch; yields what is known so far a few times a second. A run that stops above the floor is looked at again.

        steps: how many training steps before a plateau is believed; a loss still on its way gets up to three times as many.
        size: how many samples at most.
        batch: which batch of the training data; the first is 0.
        lr_factor: what every learning rate is multiplied by, on the copy.
        regularisation: whether dropout and weight decay are left on.
        """
        otherwise = variation.told(batch, lr_factor, regularisation)
        for run in cls._trained(subject, steps):
            yield dataclasses.replace(run, otherwise=otherwise)

    @classmethod
    def _trained(cls, subject: Subject, steps: int) -> Iterator[OverfitBatch]:
        yield cls(Shape.UNDECIDED, asked_steps=steps)
        seeded(subject.seed)
        subject, floor = as_loss(subject)
        training, drawn = Training(subject), time.perf_counter()
        seeded(subject.seed)
        for _ in training:
            if decided(training.losses, floor, steps):
                break
            if time.perf_counter() - drawn > PAUSE or len(training.losses) == third_of(steps):
                yield cls(**seen(subject, training, floor, steps))
                drawn = time.perf_counter()
        ended = cls(**seen(subject, training, floor, steps))
        yield ended
        if ended.decided and not ended.passed and floor.known and ended.excess <= CLEARLY:
            yield dataclasses.replace(ended, settled=at_a_minimum(subject, floor, ended.first))

    @property
    def first(self) -> float:
        """The loss before the first step."""
        return self.losses[0] if self.losses else math.nan

    @property
    def final(self) -> float:
        """The loss at the end, as the median of the last ten steps."""
        return last(self.losses)

    @property
    def excess(self) -> float:
        """What is left above the floor, in units of the chance loss; infinite after an explosion or a crash."""
        if self.floor.mirrored or self.shape is Shape.CRASHED or not math.isfinite(self.final):
            return math.inf
        return self.floor.excess(self.final, self.first)

    @property
    def passed(self) -> bool:
        """Memorised, or well on the way there: half of the way, and below chance."""
        near = min(0.5 * self.floor.excess(self.first, self.first), 1.0)
        return self.shape is Shape.FELL or (self.shape is Shape.FALLING and self.excess <= near)

    @property
    def decided(self) -> bool:
        """Whether the run was long enough for a verdict."""
        return self.shape is not Shape.UNDECIDED

    @property
    def relative_update(self) -> float:
        """The median over the looked-at steps of |change of the weights| / |weights|."""
        return median(size for _, size in self.updates) if self.updates else 0.0

    def loses_to(self, uncured: OverfitBatch) -> bool:
        """Whether this run, held against the uncured one, is given up: a third on, it stands no lower than that one did then and since."""
        third = third_of(self.asked_steps)
        comparable = self.floor.known and uncured.floor.known and uncured.crash is None
        if not comparable or len(self.losses) != third or len(uncured.losses) < third:
            return False
        by_then = uncured.floor.excess(last(uncured.losses[:third]), uncured.first)
        return uncured.excess > 0.8 * by_then and self.excess >= by_then

    def line(self) -> str:
        """The state of the run in one line, for progress."""
        return wording.progress(self.losses, self.asked_steps)

    def told(self) -> str:
        """What the loss did, in half a sentence."""
        return wording.told(self)

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """The verdict: what the loss did, the cause, and the proof."""
        return wording.sentence(self, findings)

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """Both curves in one plot, and the facts of the run."""
        return wording.blocks(self, findings)
