"""Do two splits hold the same kind of data? Whether they differ, where, which kind of shift it is, and whether it costs anything."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from ...document import Block
from ...engine.ambient import seeded
from ...engine.evidence import Finding
from ...engine.examine import frozen
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.evaluation.augmentation import Augmented
from ...instruments.shift.judged import Judge
from ..bias_variance.comparing import with_targets
from . import kinds, tables, wording
from .gap import Gap
from .held_against import Steps
from .labels import Labels
from .matching import Matched
from .moved_back import MovedBack
from .parts import Apart, Feature, Region
from .roles import compared
from .sides import FEWEST, Side


@dataclasses.dataclass(frozen=True)
class DistributionShift(Observation):
    """Say whether two splits hold the same kind of data: is there a shift, where, and does it hurt?

    Looks at samples of both, in evaluation mode; trains nothing of yours. Inputs, features and outputs are tested together, at a level of
    5 %; what differs is named; the errors say whether it costs anything. Of data that the model was trained on only the inputs decide.

    Examples:
        %distribution_shift net loss_fn --train train_loader --test test_loader
        %distribution_shift net loss_fn --train-val held_out_loader --test-val val_loader --samples 5000
        report = %distribution_shift net --val val_loader --test test_loader --quiet

    Source: Full Stack Deep Learning, troubleshooting guide, "addressing distribution shift"; S. Rabanser, S. Guennemann, Z. Lipton,
    "Failing Loudly: An Empirical Study of Methods for Detecting Dataset Shift" (2019).
    """

    stage: ClassVar[str] = "shift"
    needs_loss, any_split = False, True

    source: Side | None = None
    target: Side | None = None
    metric: str = ""
    p: float | None = None
    tests: tuple[tuple[str, float], ...] = ()
    apart: Apart | None = None
    features: tuple[Feature, ...] = ()
    differing: int = 0
    asked: int = 0
    gap: Gap | None = None
    labels: Labels | None = None
    rest: float | None = None
    by_inputs: Matched | None = None
    by_classes: Matched | None = None
    new_classes: float | None = None
    moved_back: MovedBack | None = None
    slices: tuple[Region, ...] = ()
    others: tuple[tuple[str, Apart], ...] = ()
    augmented: tuple[Augmented, ...] = ()
    repeated: int = 0
    reading: str = ""
    leaked: int = 0
    decided: bool = False
    losses, crash, passed, excess, first, final = (), None, True, 0.0, 0.0, 0.0

    @classmethod
    def prepared(cls, subject: Subject, *, source: str = "", against: str = "", **options: Any) -> Subject:
        """With a batch of the source: none of the splits must be called train."""
        role = compared(subject, source, against)[0]
        named = dataclasses.replace(subject, train=getattr(subject, role), names={**subject.names, "train": subject.name(role)})
        drawn = with_targets(dataclasses.replace(named, batch=frozen(named).batch))
        return dataclasses.replace(drawn, train=subject.train, names=subject.names)

    @classmethod
    def measure(
        cls, subject: Subject, *, samples: int = 2000, source: str = "", against: str = "", groups: Any = None, columns: Sequence[str] = ()
    ) -> Iterator[DistributionShift]:
        """Read both splits, then ask the tests, the surest answers first.

        samples: how many samples of each split are looked at, at most.
        source: the split to start from, by its word: train, train-val, val; what it is when nothing is said, the report says.
        against: the split that is held against it: test-val, test, val.
        groups: what belongs together in a batch (a patient, a video): its key or place, or a function of the batch.
        columns: the names of the columns of a table, in their order.
        """
        seeded(subject.seed)
        began, roles = time.monotonic(), compared(subject, source, against)
        steps = Steps(subject, Judge(subject), roles, samples, groups, columns, began)
        seen = cls()
        for found in steps.taken():
            seen = dataclasses.replace(seen, **found)
            yield seen

    @property
    def held_out(self) -> bool:
        """Whether the model was trained on neither side, as far as their roles tell."""
        return all(side is None or side.role != "train" for side in (self.source, self.target))

    @property
    def too_few(self) -> bool:
        """Whether a side has so few samples that nothing can be told."""
        return any(side is not None and side.samples < FEWEST for side in (self.source, self.target))

    @property
    def by_design(self) -> bool:
        """Whether a loader may have made the difference: it augments, draws some samples more often, or only its start was drawn from."""
        sides = [side for side in (self.source, self.target) if side is not None]
        return any(found.stays for found in self.augmented) or any(side.redrawn or not (side.fair or side.shuffled) for side in sides)

    @property
    def differs(self) -> bool:
        """Whether the splits hold different data, at the level of 5 %."""
        return not self.too_few and kinds.differs(self)

    @property
    def hurts(self) -> bool | None:
        """Whether the difference costs anything; None where nobody can tell."""
        return kinds.hurts(self)

    @property
    def kind(self) -> str:
        """The name of the check that speaks; empty where none does."""
        return kinds.kind(self)

    def line(self) -> str:
        """How far it is."""
        return self.reading or "reading the splits"

    def told(self) -> str:
        """What was seen, in half a sentence."""
        return wording.told(self)

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """The verdict."""
        return wording.sentence(self, findings)

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """The tests, what differs, the classes, the slices, and what to do next."""
        return tables.blocks(self)
