"""What to do next: the guide's remedies for the largest term of the error, each tried on copies, and what it would gain."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

from ...document import Block
from ...engine import snapshot
from ...engine.ambient import seeded
from ...engine.errors import UserMistake
from ...engine.evidence import Finding
from ...engine.observation import Observation
from ...engine.subject import Subject
from ..bias_variance import BiasVariance
from ..bias_variance.decomposition import Term
from . import verdict, wording
from .choosing import Chosen, chosen
from .curves import more_data, sizes
from .experiment import Experiment
from .ranking import Ranked, ranked
from .results import MoreData, Setting, Size, Tried, Untried
from .setting_up import Options, set_up, setting, sources, untried
from .told_apart import tried


@dataclasses.dataclass(frozen=True)
class Improve(Observation):
    """Say what to do next: the guide's remedies for the largest term of the error, each tried on copies, ranked by what it gains.

    Your program is trained again on copies, from new weights, by its own loss, optimizer and data; each remedy is the same with one change,
    with the same seeds and the same number of samples. What more data would do is read off a learning curve. Nothing of yours changes.

    Examples:
        %improve net loss_fn optimizer train_loader --val val_loader
        %improve net loss_fn optimizer train_loader --train-val held_out --test-val val_loader --human 0.02 --budget 120
        report = %improve net --val val_loader --term variance --seeds 5 --quiet

    Source: Full Stack Deep Learning, troubleshooting guide, "improve your model and data"; A. Ng, "Machine Learning Yearning".
    """

    stage: ClassVar[str] = "improve"
    of_budget: ClassVar[float] = 1.0
    for_needs: ClassVar[float] = 0.3

    term: Term | None = None
    dominant: bool = False
    terms: tuple[Term, ...] = ()
    metric: str = ""
    is_share: bool = False
    larger_is_better: bool = False
    tried: tuple[Tried, ...] = ()
    untried: tuple[Untried, ...] = ()
    more_data: MoreData | None = None
    sizes: tuple[Size, ...] = ()
    setting: Setting | None = None
    doing: str = ""
    trained: int = 0
    over: bool = False
    crash_in_pilot: str = ""
    crash, excess, first, final = None, 0.0, 0.0, 0.0

    @classmethod
    def prepared(cls, subject: Subject, **options: Any) -> Subject:
        """What can't be piloted at all is said before anything is read."""
        if subject.train is None:
            raise UserMistake("no training data, which pilots are trained on", do="name the loader: --train train_loader")
        return dataclasses.replace(BiasVariance.prepared(subject), names=subject.names)

    @classmethod
    def measure(
        cls, subject: Subject, seen: BiasVariance, *, term: str = "", only: str = "", seeds: int = 3, passes: int = 0, samples: int = 5000
    ) -> Iterator[Improve]:
        """Pilot the remedies for a term; yields what is known after each run.

        term: bias, variance, shift, validation, or largest; without it the one that is the largest beyond chance.
        only: names of remedies, with commas between them: the only ones that are tried.
        seeds: how many runs each change gets, each with a seed of its own.
        passes: over the training data in a run; without it as many as your own training had, as far as the time allows.
        samples: how many samples of each split are used at most.
        """
        seeded(subject.seed)
        start = cls(terms=seen.terms, metric=seen.metric, is_share=seen.is_share, larger_is_better=seen.larger_is_better)
        choice = chosen(seen, term)
        if choice is None:
            yield dataclasses.replace(start, over=True)
            return
        start = dataclasses.replace(start, term=choice.term, dominant=choice.term == seen.dominant)
        with snapshot.reading(list(sources(subject, seen, choice).values())):
            experiment = set_up(subject, seen, choice, Options(only, seeds, passes, samples))
            known, results = start, -1
            for doing in experiment.go():
                if experiment.results != results:
                    known, results = start._seen(experiment, choice), experiment.results
                yield dataclasses.replace(known, doing=doing, trained=experiment.pilots.steps)
        yield dataclasses.replace(start._seen(experiment, choice), over=True)

    def _seen(self, experiment: Experiment, choice: Chosen) -> Improve:
        return dataclasses.replace(
            self,
            tried=tried(experiment, choice),
            untried=untried(experiment),
            more_data=more_data(experiment),
            sizes=sizes(experiment),
            setting=setting(experiment),
            trained=experiment.pilots.steps,
            crash_in_pilot=experiment.crash,
        )

    @property
    def ranked(self) -> tuple[Ranked, ...]:
        """What was measured, the best first: by the end of its interval that promises least, then by the estimate."""
        return ranked(self.tried, self.more_data)

    @property
    def decided(self) -> bool:
        """Whether at least one change has an interval."""
        return any(found.effect.known for found in self.ranked)

    @property
    def passed(self) -> bool:
        """Whether something was decided."""
        return self.decided

    def line(self) -> str:
        """What is running."""
        return self.doing or "pilots"

    def told(self) -> str:
        """The term, and what helped, in half a sentence."""
        return verdict.told(self)

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """The verdict."""
        return verdict.sentence(self)

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """The changes by what they gain, the code of the best, the curves, and what was not piloted."""
        return wording.blocks(self)
