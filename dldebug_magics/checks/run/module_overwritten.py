from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...cures.attributes import names_kept
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.overwritten import OverwrittenCard
from ...observations.shape_trace import ShapeTrace


@check(severity=Severity.ERROR)
def module_overwritten(trace: ShapeTrace, card: OverwrittenCard) -> Iterator[Evidence]:
    """A layer or a method is overwritten by what it gives.

    `self.features = self.features(x)` keeps the tensor under the name of the layer. The first call works; the second one calls a tensor.

    Shows as: "'Tensor' object is not callable" in the second pass; or at once "cannot assign 'torch.FloatTensor' as child module 'fc1'".
    Proven by: the attribute is a layer or a method before a pass, and a tensor behind it; with the attribute put back a copy runs twice.
    Not this when: a result is kept under a name of its own.
    Fails: nothing known.
    See: torch.nn.Module, attributes; FSDL, "get your model to run", the other bugs.
    """
    if trace.failure is None:
        return
    fact = Fact(f"`self.{card.name}` behind one pass", "a tensor", "what it was before, a layer or a method")
    line = trace.failure.line.source
    code = f"out = {line.partition('=')[2].strip()}" if line.startswith("self.") and "=" in line else "out = ..."
    fix = Fix("Give the result a name of its own.", f"{code}   # not: self.{card.name} = ...", f"`self.{card.name}` left as it was")
    yield Evidence(Confidence.LIKELY, (fact,), where(card.path, trace.failure.line), fix, names_kept(card.path))


class _Net(nn.Module):
    def __init__(self, overwrites: bool):
        super().__init__()
        self.body, self.head, self.overwrites = nn.Linear(6, 16), nn.Linear(16, 3), overwrites

    def features(self, x: Tensor) -> Tensor:
        return self.body(x).relu()

    def forward(self, x: Tensor) -> Tensor:
        found = self.features(x)
        if self.overwrites:
            self.features = found  # type: ignore
        return self.head(found)


def _program(overwrites: bool) -> Subject:
    torch.manual_seed(0)
    return Subject(_Net(overwrites), nn.CrossEntropyLoss(), None, (torch.randn(8, 6), torch.randint(0, 3, (8,))))


@module_overwritten.bad
def a_method_is_lost() -> Subject:
    return _program(overwrites=True)


@module_overwritten.good
def a_result_has_its_own_name() -> Subject:
    return _program(overwrites=False)
