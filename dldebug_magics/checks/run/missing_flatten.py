from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.layers import given_to
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace


@check(severity=Severity.ERROR)
def missing_flatten(trace: ShapeTrace) -> Iterator[Evidence]:
    """A linear layer is given maps or sequences where it was built for one flat row a sample.

    `Linear` works on the last axis only. Behind a convolution the channels, rows and columns must first be flattened into one axis.

    Shows as: "mat1 and mat2 shapes cannot be multiplied (192x5 and 100x10)", though the number of features is right for a whole sample.
    Proven by: all axes behind the batch multiply to `in_features`; with a flatten in front of the layer a copy runs.
    Not this when: the layer is meant for the last axis, as in a transformer: then the numbers do not multiply to its `in_features`.
    Fails: nothing known.
    See: torch.nn.Flatten; FSDL, "get your model to run", forgot to flatten after a convolution.
    """
    failure = trace.failure
    if failure is None or failure.module_kind != "Linear" or failure.operation != "linear" or not failure.says("cannot be multiplied"):
        return
    form, wanted = failure.inputs[0], failure.settings["in_features"]
    if len(form.shape) < 3 or form.numel != wanted * form.shape[0]:
        return
    layer = module_expression(trace.name, failure.module)
    product = " x ".join(map(str, form.shape[1:]))
    fact = Fact(f"what `{failure.module}` is given", str(form), f"{form.shape[0]} x {wanted}: {wanted} = {product}")
    fix = Fix("Flatten all axes but the batch first.", f"{layer}(torch.flatten(x, 1))", "a flatten in front of the layer")
    cure = given_to(failure.module, lambda tensor: tensor.flatten(1))
    yield Evidence(Confidence.LIKELY, (fact,), where(failure.module, failure.line), fix, cure)


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
