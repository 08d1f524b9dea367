"""Does it run, and what are the shapes? One step put through the model with everything written down that has a shape."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from time import monotonic
from typing import ClassVar

from ...document import Block
from ...engine.ambient import seeded
from ...engine.evidence import Finding
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.forms import Form, forms
from ...instruments.trace import Trace
from . import wording
from .axes import named
from .failure import Failure
from .given import given
from .part import known
from .passing import Pass
from .row import Row, counted, idle, rows
from .timing import timed
from .unseen import uncompiled, unseen


@dataclasses.dataclass(frozen=True)
class ShapeTrace(Observation):
    """Put one batch through a copy of your model, and show every shape on the way; where it breaks, say why and which change makes it run.

    The forward pass and the loss are traced, then the backward pass, the optimizer's step and a second pass are run, as far as the program
    has them. Nothing of yours changes. Every call of a module is a row, and every operation between modules. N is the batch, and T the
    time: the axes that follow when the batch is made smaller and shorter.

    Examples:
        %shape_trace net batch
        %shape_trace net loss_fn optimizer train_loader --time
        %shape_trace net --input 32x3x224x224
        %shape_trace net --input ids=8x128:int64,mask=8x128 --depth 3
        %shape_trace net batch --at encoder.layers

    Source: Full Stack Deep Learning, troubleshooting guide, "get your model to run": shape mismatch, casting.
    """

    stage: ClassVar[str] = "run"
    whole_batch: ClassVar[bool] = True
    candidates: ClassVar[int] = 3
    needs_loss: ClassVar[bool] = False
    module_paths: ClassVar[tuple[str, ...]] = ("at",)

    rows: tuple[Row, ...] = ()
    inputs: tuple[Form, ...] = ()
    outputs: tuple[Form, ...] = ()
    loss: Form | None = None
    failure: Failure | None = None
    parameters: int = 0
    trainable: int = 0
    name: str = "model"
    idle: tuple[Row, ...] = ()
    unseen: tuple[str, ...] = ()
    depth: int = 0
    at: str = ""
    losses: tuple[float, ...] = ()
    decided: bool = True
    first: float = math.nan
    final: float = math.nan

    @classmethod
    def prepared(cls, subject: Subject, *, input: str = "", dtype: str = "float32", at: str = "", **options: object) -> Subject:
        """The subject with a batch made up from shapes, where shapes are given; compiled code is run as it was written."""
        known(subject.model, at)
        asked = given(subject, input, dtype)
        return dataclasses.replace(asked, around=(*asked.around, *uncompiled(subject.model)))

    @classmethod
    def measure(
        cls, subject: Subject, *, input: str = "", dtype: str = "float32", time: bool = False, depth: int = 0, at: str = ""
    ) -> Iterator[ShapeTrace]:
        """Trace one step.

        input: shapes to trace instead of a batch, such as 32x3x224x224, or ids=8x128:int64. dtype: the kind of number of such an input.
        time: show how long each call takes. depth: how many levels of the table stand open; 0 chooses.
        at: show only the module at this path and what runs inside it.
        """
        seeded(subject.seed)
        trace = Trace(subject.model)
        began = monotonic()
        one = Pass(subject, trace).run()
        spent = monotonic() - began
        found = rows(trace.entries, trace.failed if one.failure is not None else None)
        if monotonic() + spent < subject.deadline:
            found = named(found, subject) or found
        yield cls(
            timed(found, subject) if time and one.passed else found,
            forms(subject.batch),
            one.outputs,
            one.loss,
            one.failure,
            *counted(subject.model),
            subject.name("model"),
            idle(subject.model, trace.entries),
            unseen(subject.model),
            depth,
            known(subject.model, at),
        )

    @property
    def crash(self) -> Failure | None:
        """The exception, as the engine asks for it."""
        return self.failure

    @property
    def on_meta(self) -> bool:
        """Whether it ran on the device that has shapes and no numbers."""
        return any(form.device == "meta" for form in (*self.inputs, *self.outputs))

    @property
    def passed(self) -> bool:
        """Whether the step went to its end."""
        return self.failure is None

    @property
    def excess(self) -> float:
        """0 where it runs, infinite where it breaks."""
        return 0.0 if self.passed else math.inf

    def told(self) -> str:
        """What happened, in half a sentence."""
        return wording.told(self)

    def sentence(self, findings: tuple[Finding, ...] = ()) -> str:
        """The verdict: it runs, or where it breaks, why, and what makes it run."""
        return wording.sentence(self, findings)

    def document(self, findings: tuple[Finding, ...] = ()) -> tuple[Block, ...]:
        """The table of shapes, and the exception where there was one."""
        return wording.blocks(self)
