from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.failure import Failure
from ...observations.shape_trace.flattened import by_hand
from ...observations.shape_trace.history import unbatched_reader
from ...observations.shape_trace.mismatch import is_mismatch, pair, repairs
from ...observations.shape_trace.singletons import unlike
from ...observations.shape_trace.wanted import transposable, wanted


@check(severity=Severity.ERROR)
def tensor_shape_mismatch(trace: ShapeTrace) -> Iterator[Evidence]:
    """Two tensors are joined, added or multiplied whose shapes do not go together.

    A shortcut that skips a stride, a way up that ends one pixel short, keys that were not transposed, positions for shorter sentences: each
    tensor is right for itself, and the call that brings them together says so first.

    Shows as: "Sizes of tensors must match except in dimension 1", "The size of tensor a (8) must match the size of tensor b (16)".
    Proven by: with one of the two in the other's shape a copy runs.
    Not this when: a layer of the model reads the wrong number of features, or an axis of size 1 is one too many: they have their own names.
    Fails: a sum written as an einsum is located, and no change is tried.
    Fix: Bring one of the two to the other's shape, where it is made.
    See: torch.cat; PyTorch, "broadcasting semantics"; FSDL, "get your model to run", shape mismatch.
    """
    failure = trace.failure
    if failure is None or not is_mismatch(failure) or unlike(failure) or by_hand(trace) is not None:
        return
    if wanted(failure) is not None and not transposable(failure):
        return
    found = list(repairs(trace, failure))[:3]
    sure = Confidence.HINT if unbatched_reader(trace) else Confidence.LIKELY
    for place, (fix, cure) in enumerate(found):
        yield Evidence(Confidence.HINT if place else sure, (_fact(failure),), where(failure.module, failure.line), fix, cure)
    if not found and failure.phase in ("forward", "second pass"):
        yield Evidence(sure, (_fact(failure),), where(failure.module, failure.line))


def _fact(failure: Failure) -> Fact:
    """Both tensors, and who gave them."""
    two = pair(failure)
    if two is None or len(failure.origins) != len(failure.inputs) or failure.operation in ("view", "reshape"):
        return Fact(f"the shapes in {failure.operation or failure.phase}", failure.first_line, "shapes that go together")
    seen = " and ".join(f"{failure.inputs[place]} ({failure.origins[place]})" for place in two)
    return Fact(f"what {failure.operation} is given", seen, "shapes that go together")


class _Block(nn.Module):
    def __init__(self, *shortcut: nn.Module):
        super().__init__()
        self.conv, self.shortcut = nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        return (self.conv(x) + self.shortcut(x)).relu()


def _program(*shortcut: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(_Block(*shortcut), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))
    return Subject(net, nn.CrossEntropyLoss(), None, (torch.rand(8, 3, 12, 12), torch.randint(0, 4, (8,))))


@tensor_shape_mismatch.bad
def a_shortcut_without_a_stride() -> Subject:
    return _program()


@tensor_shape_mismatch.good
def a_shortcut_that_strides() -> Subject:
    return _program(nn.Conv2d(3, 6, 1, stride=2))
