from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ...cures.mended import mended
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import renamed_call
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.views import asked_shape, moved_batch


@check(severity=Severity.ERROR)
def non_contiguous_view(trace: ShapeTrace) -> Iterator[Evidence]:
    """A tensor whose axes were moved is viewed in a shape that its memory does not have.

    `transpose` and `permute` move no numbers, and `view` reads them as they lie. `reshape` copies them first, in the order in which the
    axes now stand: look whether you mean that. Where the batch no longer stands in front, it runs and mixes the samples, which is
    `view_instead_of_permute`.

    Shows as: "view size is not compatible with input tensor's size and stride".
    Proven by: with `reshape` in that line, or with the batch moved back to the front before it, a copy runs.
    Not this when: nothing known.
    Fails: nothing known.
    See: torch.Tensor.view, torch.Tensor.contiguous.
    """
    failure = trace.failure
    if failure is None or failure.operation != "view" or not failure.says("view size is not compatible"):
        return
    given, asked, place = failure.inputs[0], asked_shape(failure), where(failure.module, failure.line)
    origin = str(failure.origins[0]) if failure.origins else "an earlier call"
    fact = Fact("what `view` is given", f"{given}, its axes moved ({origin})", "numbers that lie in the order of the axes")
    moved = moved_batch(given.shape, asked)
    if moved:
        first = f"x.movedim({moved}, 0).reshape{asked}"
        fix = Fix("Move the batch to the front, then reshape.", first, "the batch moved to the front, and reshape")
        yield Evidence(Confidence.LIKELY, (fact,), place, fix, _reshaped(moved))
    code = renamed_call(failure.line.source, "view", "reshape") or f"x.reshape{asked}"
    fix = Fix("Use reshape, if this is the order that you mean: it reads the axes as they now stand.", code, "reshape")
    yield Evidence(Confidence.HINT if moved else Confidence.LIKELY, (fact,), place, fix, _reshaped(0))


def _reshaped(batch: int) -> Callable[[Subject], Subject]:
    """The cure that moves the batch to the front, and reshapes."""
    return mended({"view"}, lambda view, x, *sizes, **named: x.movedim(batch, 0).reshape(*sizes, *named.values()))


class _Columns(nn.Module):
    def __init__(self, views: bool):
        super().__init__()
        self.conv, self.head, self.views = nn.Conv1d(3, 6, 3), nn.Linear(60, 4), views

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).transpose(1, 2)
        return self.head(x.view(len(x), -1) if self.views else x.reshape(len(x), -1))


def _program(views: bool) -> Subject:
    torch.manual_seed(0)
    return Subject(_Columns(views), nn.CrossEntropyLoss(), None, (torch.randn(8, 3, 12), torch.randint(0, 4, (8,))))


@non_contiguous_view.bad
def steps_viewed_as_columns() -> Subject:
    return _program(views=True)


@non_contiguous_view.good
def steps_reshaped_as_columns() -> Subject:
    return _program(views=False)
