"""One split after the other is read, the smallest first, and the error decomposed after each; then what they share is drawn together."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, cast

from ...engine.ambient import seeded
from ...engine.subject import Subject
from ...instruments.evaluation.augmentation import unaugmented
from ...instruments.evaluation.batches import Groups
from ...instruments.evaluation.passes import Asked
from ...instruments.evaluation.pools import Pool, pool_of
from . import reference as references
from .decomposition import Level
from .irreducible import known_levels
from .pairing import Measured, counted, paired
from .reading import Reading, redrawn, smallest_first
from .repeated import conflicts, contents, one_answer, repeated
from .together import together

if TYPE_CHECKING:
    from . import BiasVariance

News = Generator["BiasVariance", None, "BiasVariance"]


@dataclasses.dataclass
class Passing:
    """What is asked of the splits, and what was measured so far."""

    subject: Subject
    given: Mapping[str, Any]
    groups: Groups = None
    annotations: Any = None
    reference: Any = None
    workers: int = 0
    ray: bool = False
    measured: list[Measured] = dataclasses.field(default_factory=list)

    def all(self, seen: BiasVariance) -> News:
        """Read all of them, and look at what is beside their errors; ever fuller observations."""
        seeded(self.subject.seed)
        drawn_anew = tuple(role for role, source in self.given.items() if redrawn(source))
        in_training = any(module.training for module in self.subject.model.modules())
        with pool_of(self.workers, self.ray) as pool:
            seen = yield from self._splits(dataclasses.replace(seen, redrawn=drawn_anew, in_training=in_training), pool)
        other = None
        if self.reference is not None and self.measured:
            seen, other = yield from self._with_reference(seen)
        levels = paired(self.subject, [*self.measured, *filter(None, [other])])
        if self.measured:
            seen = self._decomposed(seen, levels[: len(self.measured)], *levels[len(self.measured) :])
        small = contents(self.subject, self.given)
        alike = repeated(self.given, small)
        seen = dataclasses.replace(seen, repeated=alike, conflicts=conflicts(small), one_answer=one_answer(small))
        yield seen
        return seen

    def _splits(self, seen: BiasVariance, pool: Pool | None) -> News:
        metric, subject = cast("Asked", self.subject.metric), self.subject
        for left, role in zip(range(len(self.given), 0, -1), smallest_first(self.given), strict=True):
            source, random = unaugmented(self.given[role], role, subject.seed)
            seen = dataclasses.replace(seen, augmented=(*seen.augmented, *filter(None, [random])))
            read = Reading(role, source)
            until = references.time_for(subject, left + (self.reference is not None))
            for samples in read.passing(subject, metric, self.groups, until, pool=pool):
                yield dataclasses.replace(seen, reading=f"{samples} samples of {role} read")
            if read.found is None:
                seen = dataclasses.replace(seen, not_read=(*seen.not_read, role))
                continue
            metric = read.metric
            self.measured.append(Measured(read.level(subject), read))
            sureness = (*seen.sureness, *filter(None, [read.sureness(subject.seed)]))
            seen = self._decomposed(dataclasses.replace(seen, sureness=sureness), [counted(each) for each in self.measured])
            yield seen
        return seen

    def _with_reference(self, seen: BiasVariance) -> Generator[BiasVariance, None, tuple[BiasVariance, Measured | None]]:
        """The reference on its split; where that was not read to its end, it is left out, and said."""
        role = references.held_out(self.subject, self.given, self.reference)
        of_model = next((each.reading for each in self.measured if each.reading.role == role and each.reading.complete), None)
        other = None
        if of_model is not None:
            until = references.time_for(self.subject, 1)
            asked = (self.subject, self.reference, of_model, self.groups)
            other = yield from references.measured(*asked, until=until, news=lambda line: dataclasses.replace(seen, reading=line))
        return seen if other is not None else dataclasses.replace(seen, not_read=(*seen.not_read, "the reference")), other

    def _decomposed(self, seen: BiasVariance, levels: list[Level], reference: Level | None = None) -> BiasVariance:
        known = known_levels(self.subject, self.annotations, reference)
        metric = self.measured[0].reading.metric
        return dataclasses.replace(seen, **together(metric.name, metric.larger_is_better, levels, known))
