"""Does it fit? The memory of a training step and of an evaluation, told before any of it is taken."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import ClassVar

from ...cures.batch_size import of, samples_in
from ...document import Block
from ...engine.errors import UserMistake
from ...engine.evidence import Finding
from ...engine.memory import DeviceMemory
from ...engine.observation import Observation
from ...engine.paper import mode_of
from ...engine.subject import Subject
from ..overfit_batch.training import Crash
from . import wording
from .largest import largest_batches
from .measured import evaluated_somehow, trained
from .remedies import Remedy, remedies
from .room import memory_of, room
from .some_loss import with_some_loss
from .usage import Usage


@dataclasses.dataclass(frozen=True)
class MemoryPlan(Observation):
    """Predict the memory of training and evaluation, its parts, and the largest batch that fits, without taking that memory.

    A copy without numbers goes through two steps of training and one of evaluation. Looks at the batch as your loader gives it; without a
    limit the device is asked, and a CPU has none. Programs that decide by their numbers are really run, on a copy, by 32 samples at most.

    Examples:
        %memory_plan net loss_fn optimizer train_loader --limit 8GB
        %memory_plan net loss_fn optimizer train_loader val_loader
        report = %memory_plan net --samples 64 --quiet

    Source: Full Stack Deep Learning, troubleshooting guide, "out of memory"; torch.cuda memory management notes.
    """

    stage: ClassVar[str] = "memory"
    on_paper: ClassVar[bool] = True
    needs_loss: ClassVar[bool] = False
    without_value: ClassVar[tuple[str, ...]] = ("train",)  # training and evaluation are planned in any case
    training: Usage | None = None
    evaluation: Usage | None = None
    samples: int | None = None
    in_evaluation: int | None = None
    memory: DeviceMemory | None = None
    limit: float = math.inf
    largest: int | None = None
    largest_in_evaluation: int | None = None
    remedies: tuple[Remedy, ...] = ()
    crash: Crash | None = None
    really_run: bool = False
    default_optimizer: bool = False
    names: tuple[str, str] = ("model", "optimizer")
    losses: tuple[float, ...] = ()
    first, final = math.nan, math.nan

    prepared = staticmethod(with_some_loss)

    @classmethod
    def measure(cls, subject: Subject, *, limit: str = "", samples: int = 0) -> Iterator[MemoryPlan]:
        """Plan both, then look for the largest batch, then measure the remedies.

        limit: the memory there is, such as 8GB; the device is asked where none is given.
        samples: plan for a batch of so many samples instead of the loader's.
        """
        memory = memory_of(subject, limit)
        subject = of(samples)(subject) if samples else subject
        try:
            plan = cls._planned(subject, memory)
            yield plan
            if plan.limit < math.inf:
                training, evaluation = largest_batches(subject, plan.limit, plan.training.state)  # type: ignore[union-attr]
                plan = dataclasses.replace(plan, largest=training, largest_in_evaluation=evaluation)
                yield plan
        except UserMistake:
            raise
        except Exception as error:  # the user's program crashed: that is what was observed
            yield cls(memory=memory, crash=Crash.of(error, "forward pass or loss", 0))
            return
        for remedy in remedies(subject, plan.training, plan.evaluation, plan.samples):  # type: ignore[arg-type]
            plan = dataclasses.replace(plan, remedies=(*plan.remedies, remedy))
            yield plan
            if time.monotonic() > subject.deadline:
                return

    @classmethod
    def _planned(cls, subject: Subject, memory: DeviceMemory | None) -> MemoryPlan:
        val, training = subject.batch if subject.val is None else subject.val, trained(subject)
        return cls(
            training=training,
            evaluation=evaluated_somehow(subject, training.state),
            samples=samples_in(subject.batch),
            in_evaluation=samples_in(val),
            memory=memory,
            limit=room(memory, subject),
            really_run=mode_of(subject) is None,
            default_optimizer=subject.optimizer is None,
            names=(subject.name("model"), subject.name("optimizer")),
        )

    @property
    def peak(self) -> int:
        """The most that is needed, in training or in evaluation."""
        return max((usage.peak.total for usage in (self.training, self.evaluation) if usage is not None), default=0)

    @property
    def decided(self) -> bool:
        """Whether both could be planned."""
        return self.training is not None and self.evaluation is not None

    @property
    def passed(self) -> bool:
        """Whether it fits; what could not be planned is no matter of memory."""
        return self.peak <= self.limit

    @property
    def excess(self) -> float:
        """What is missing, as a share of the limit."""
        return max(0.0, (self.peak - self.limit) / self.limit) if self.limit < math.inf else 0.0

    def matters(self, size: float) -> bool:
        """Whether so many bytes are a part worth an alarm of what there is; without a limit nothing is."""
        return self.limit < math.inf and size >= 0.05 * self.limit

    def loses_to(self, uncured: MemoryPlan) -> bool:
        """A cured plan has said all that is asked of it as soon as it is made; its remedies are not measured."""
        return True

    def line(self) -> str:
        """How far the plan is."""
        return "planning a step" if self.training is None else f"planned; {len(self.remedies)} remedies measured"

    def told(self) -> str:
        """What is needed, in half a sentence."""
        return wording.told(self)

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """The verdict: what is needed, when, and the largest batch."""
        return wording.sentence(self, findings)

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """The parts, the modules, and the remedies."""
        return wording.blocks(self)
