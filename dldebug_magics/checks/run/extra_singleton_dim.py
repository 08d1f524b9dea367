from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ...cures.batch_shapes import inputs_changed
from ...cures.layers import given_to
from ...cures.mended import as_the_second, mended
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.failure import Failure
from ...observations.shape_trace.history import is_input
from ...observations.shape_trace.reader import Wanted
from ...observations.shape_trace.singletons import fitting, unlike
from ...observations.shape_trace.wanted import wanted


@check(severity=Severity.ERROR)
def extra_singleton_dim(trace: ShapeTrace) -> Iterator[Evidence]:
    """A tensor has an axis of size 1 that does not belong there.

    A picture with its own batch axis is batched again by the loader, a model gives a column where the targets are a row. All numbers
    are there, under one axis too many.

    Shows as: "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size [4, 1, 3, 16, 16]"; "Target size must be the
    same as input size".
    Proven by: without the axis the shapes agree, and a copy runs.
    Not this when: both sides have the axis.
    Fails: where the shapes broadcast, nothing is raised: that is `loss_broadcast`.
    See: torch.squeeze; FSDL, "get your model to run", forgot to drop axes of size 1.
    """
    failure, found = trace.failure, wanted(trace.failure)
    if failure is not None and unlike(failure):
        yield from _compared(failure)
    axes = fitting(found) if found is not None and not found.fits_rank else ()
    if failure is not None and found is not None and axes:
        yield _read(trace, failure, found, axes)


def _read(trace: ShapeTrace, failure: Failure, found: Wanted, axes: tuple[int, ...]) -> Evidence:
    """A layer is given an axis more than it takes."""
    shape, which = found.given.shape, axes[0] if len(axes) == 1 else axes
    fact = Fact(f"what {found.words} is given", str(found.given), f"{found.ranks[0]} axes: without axis {which}, of size 1")
    fix = Fix("Drop the axis of size 1.", f"x = x.squeeze({which})", f"axis {which} dropped")
    change = lambda tensor: tensor.squeeze(axes)  # noqa: E731
    cure = inputs_changed(change, shape) if is_input(trace, found.given) else given_to(found.path, change, shape)
    return Evidence(Confidence.LIKELY, (fact,), where(failure.module, failure.line), fix, cure)


def _compared(failure: Failure) -> Iterator[Evidence]:
    """The two sides of a loss have the same numbers in different shapes."""
    output, target = failure.inputs[:2]
    fact = Fact(f"output and target in {failure.operation}", f"{output} and {target}", "the same shape")
    code = f"{failure.operation}(output.reshape(target.shape), target)"
    fewer = "Drop the axes of size 1 from the output." if len(output.shape) > len(target.shape) else "Give the output the target's shape."
    fix = Fix(fewer, code, f"an output of {target}")
    yield Evidence(Confidence.LIKELY, (fact,), where("", failure.line), fix, mended({failure.operation}, as_the_second))


def _program(*axes: Any) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    return Subject(net, nn.CrossEntropyLoss(), None, (torch.rand(8, *axes, 3, 12, 12), torch.randint(0, 5, (8,))))


@extra_singleton_dim.bad
def batched_twice() -> Subject:
    return _program(1)


@extra_singleton_dim.good
def batched_once() -> Subject:
    return _program()
