from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.layers import given_to
from ...cures.mended import mended
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.flattened import on_columns
from ...observations.shape_trace.history import unflattened
from ...observations.shape_trace.reader import Wanted
from ...observations.shape_trace.wanted import wanted


@check(severity=Severity.ERROR)
def missing_flatten(trace: ShapeTrace) -> Iterator[Evidence]:
    """A linear layer is given maps or sequences where it was built for one flat row a sample.

    `Linear` works on the last axis only. Behind a convolution the channels, rows and columns must first be flattened into one axis, and the
    batch must stay apart: `torch.flatten(x)` without the 1 makes one row of all samples.

    Shows as: "mat1 and mat2 shapes cannot be multiplied (192x5 and 100x10)", though the number of features is right for a whole sample.
    Proven by: all axes behind the batch multiply to `in_features`; with a flatten in front of the layer a copy runs.
    Not this when: the layer is meant for the last axis, as in a transformer: then the numbers do not multiply to its `in_features`.
    Fails: nothing known.
    See: torch.nn.Flatten; FSDL, "get your model to run", forgot to flatten after a convolution.
    """
    found, row = wanted(trace.failure), unflattened(trace)
    if row is not None:
        yield on_columns(row)
    if found is None or found.family != "linear" or trace.failure is None:
        return
    shape, size = found.given.shape, found.size
    together = len(shape) == 1 and shape[0] > size and shape[0] % size == 0
    if not found.is_unflattened and not together:
        return
    product = " x ".join(map(str, shape[1:])) if len(shape) > 2 else f"one of {shape[0] // size} samples"
    fact = Fact(f"what {found.words} is given", str(found.given), f"samples x {size}: {size} = {product}")
    call = f"{module_expression(trace.name, found.path)}(torch.flatten(x, 1))"
    fix = Fix("Flatten all axes but the batch first.", call, "all axes but the batch flattened in front of it")
    yield Evidence(Confidence.LIKELY, (fact,), where(trace.failure.module, trace.failure.line), fix, _flattened(found))


def _flattened(found: Wanted) -> Callable[[Subject], Subject]:
    change = lambda tensor: tensor.reshape(-1, found.size)  # noqa: E731 (whole samples only: the axes multiply to it)
    if found.parameter:
        return mended({found.kind}, lambda function, tensor, *rest, **named: function(change(tensor), *rest, **named))
    return given_to(found.path, change, found.given.shape)


def _program(*between: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), *between, nn.Linear(100, 10))
    batch = torch.randn(8, 1, 12, 12), torch.randint(0, 10, (8,))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3), batch)


@missing_flatten.bad
def straight_from_the_maps() -> Subject:
    return _program()


@missing_flatten.good
def flattened() -> Subject:
    return _program(nn.Flatten())


@missing_flatten.good
def a_linear_layer_on_the_last_axis() -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten())
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-3), (torch.randn(8, 5, 6), torch.randn(8, 5)))
