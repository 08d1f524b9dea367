from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.layers import rebuilt
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace


@check(severity=Severity.ERROR)
def linear_in_features_mismatch(trace: ShapeTrace) -> Iterator[Evidence]:
    """A linear layer is given more or fewer features than it was built for.

    `Linear` multiplies the last axis of its input by its weights, so that axis must have `in_features` numbers. The number is mostly worked
    out by hand from the sizes of the pictures, and is wrong as soon as a kernel, a stride or a picture changes.

    Shows as: "mat1 and mat2 shapes cannot be multiplied (8x784 and 256x10)".
    Proven by: the pass ends there; with the layer built for what it is given, a copy runs to its end.
    Not this when: the axes were not flattened, or stand in another order, so that the number does occur in the shape.
    Fails: where the layer belongs to a network with weights of its own, the layer before it is the wrong one.
    See: torch.nn.Linear, `in_features`; FSDL, "get your model to run", shape mismatch.
    """
    failure = trace.failure
    if failure is None or failure.module_kind != "Linear" or failure.operation != "linear" or not failure.says("cannot be multiplied"):
        return
    given, wanted = failure.inputs[0].shape, failure.settings["in_features"]
    if wanted == given[-1]:
        return
    layer = module_expression(trace.name, failure.module)
    fix = Fix(
        f"Build the layer with in_features={given[-1]}.",
        f"{layer} = nn.Linear({given[-1]}, {failure.settings['out_features']})   # best where it is built",
        f"in_features={given[-1]}",
    )
    fact = Fact(f"last axis of what `{failure.module}` is given", f"{given[-1]} ({failure.inputs[0]})", f"{wanted}, its in_features")
    flat = len(given) == 2 or wanted not in (*given, failure.inputs[0].numel // max(given[0], 1))
    sure = Confidence.LIKELY if flat else Confidence.HINT
    yield Evidence(sure, (fact,), where(failure.module, failure.line), fix, rebuilt(failure.module, in_features=given[-1]))


def _program(features: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(features, 10))
    batch = torch.randn(8, 1, 12, 12), torch.randint(0, 10, (8,))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3), batch)


@linear_in_features_mismatch.bad
def worked_out_by_hand() -> Subject:
    return _program(144)


@linear_in_features_mismatch.good
def worked_out_right() -> Subject:
    return _program(100)
