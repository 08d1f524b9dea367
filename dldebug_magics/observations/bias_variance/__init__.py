"""Where does the error come from? The model's error on each split, and what of the test error each step from split to split adds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

from ...document import Block
from ...engine.evidence import Finding
from ...engine.examine import frozen
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.evaluation.augmentation import Augmented
from . import wording
from .comparing import with_targets
from .cutting import Cut, cuts, splits
from .decomposition import Level, Term
from .irreducible import known_levels
from .passing import Passing
from .reading import Sureness, given_splits
from .reference import held_out
from .repeated import Conflict, Repeated
from .rising import Rise, risen
from .rungs import Rung, matters


@dataclasses.dataclass(frozen=True)
class BiasVariance(Observation):
    """Say where a trained model's error comes from: bias, variance, distribution shift, or an over-used validation set.

    Passes once over each split that is given, in evaluation mode, with the weights as they are; trains nothing. Test error is the sum of
    what is irreducible and of what each split adds to the one before it; each term has a 95 % interval (bootstrap over samples, or over
    `groups`), and the largest is named only where chance could not have chosen it.

    Examples:
        %bias_variance net loss_fn --train train_loader --val val_loader --test test_loader
        %bias_variance net --train train_dl --train-val train_val_dl --test-val val_dl --test test_dl --human 0.02 --metric error
        report = %bias_variance net loss_fn --val val_loader --metric sklearn.f1_score --quiet

    Source: Full Stack Deep Learning, troubleshooting guide, "evaluate"; A. Ng, "Machine Learning Yearning", chapters 20 to 43.
    """

    stage: ClassVar[str] = "evaluate"
    needs_loss, any_split = False, True
    exports: ClassVar = {"splits": splits}

    metric: str = ""
    larger_is_better: bool = False
    is_share: bool = False
    levels: tuple[Rung, ...] = ()
    beside: tuple[Rung, ...] = ()
    terms: tuple[Term, ...] = ()
    naive: tuple[Term, ...] = ()
    dominant: Term | None = None
    repeated: tuple[Repeated, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    one_answer: tuple[str, ...] = ()
    augmented: tuple[Augmented, ...] = ()
    sureness: tuple[Sureness, ...] = ()
    redrawn: tuple[str, ...] = ()
    in_training: bool = False
    cuts: tuple[Cut, ...] = ()
    trials: int = 0
    rise: Rise | None = None
    not_read: tuple[str, ...] = ()
    reading: str = ""
    measured: tuple[Level, ...] = dataclasses.field(default=(), repr=False, compare=False)
    losses, crash, passed, excess, first, final = (), None, True, 0.0, 0.0, 0.0

    @classmethod
    def prepared(cls, subject: Subject, **options: Any) -> Subject:
        """With a batch of the first split that there is: none of them must be called train."""
        first = next(iter(given_splits(subject).items()))
        known_levels(subject, options.get("annotations"))  # what can't be read is said before anything is
        risen(subject, options.get("history"))
        if options.get("reference") is not None:
            held_out(subject, given_splits(subject), options["reference"])
        named = dataclasses.replace(subject, train=first[1], names={**subject.names, "train": subject.name(first[0])})
        return with_targets(dataclasses.replace(subject, batch=frozen(named).batch))

    @classmethod
    def measure(
        cls,
        subject: Subject,
        *,
        groups: Any = None,
        annotations: Any = None,
        reference: Any = None,
        history: Any = None,
        trials: int = 0,
        make_splits: bool = False,
        times: Any = None,
        workers: int = 0,
        ray: bool = False,
    ) -> Iterator[BiasVariance]:
        """Pass over the splits, the smallest first, and decompose after each.

        groups: what belongs together in a batch (a patient): its key or place, or a function; splits with shared ones are drawn as one.
        annotations: labels of two annotators or more for each sample, [samples, annotators].
        reference: a strong model of the same inputs, or a function of them that gives scores; the irreducible error is at most its own.
        history: the losses of its training by epoch: a list, pairs (train, val), records, a DataFrame, or a CSV file.
        trials: how many models or settings were compared on the validation set.
        make_splits: cut the splits that are missing: by class, by `groups`, or by `times`; report.splits() has them.
        times: when each sample was taken: a key or place in a batch, or a function of the batch.
        workers: processes that evaluate the batches, for the same sums to the last bit. ray: have the tasks of a Ray cluster do it.
        """
        passing = Passing(subject, given_splits(subject), groups, annotations, reference, workers, ray)
        seen = yield from passing.all(cls(trials=trials, rise=risen(subject, history)))
        if make_splits:
            yield dataclasses.replace(seen, cuts=cuts(subject, passing.given, groups, times))

    @property
    def decided(self) -> bool:
        """Whether every split was read, at least in part."""
        return not self.not_read and bool(self.levels)

    def rung(self, role: str) -> Rung | None:
        """What is known at one rung; None where there is no split for it."""
        return next((found for found in self.levels if found.role == role), None)

    def matters(self, term: Term) -> str:
        """Whether a term is worth a change of the program: "much", "some", or not at all (empty)."""
        return matters(term, self.levels, self.is_share)

    def line(self) -> str:
        """How far the reading is."""
        return self.reading or "reading the splits"

    def told(self) -> str:
        """The levels, in half a sentence."""
        return wording.told(self)

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """The verdict."""
        return wording.sentence(self, findings)

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """The rungs, the terms, and what is missing."""
        return wording.blocks(self)
