from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.casting import in_batch, in_model, kept_in, on_the_way, to_kind
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.calls import LOSSES
from ...instruments.source_lines import where
from ...observations.cards.placement import PlacementCard
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.failure import Failure
from ..small_data import classes

_SINGLE, _DOUBLE = torch.float32, torch.float64


@check(severity=Severity.ERROR)
def float64_input(trace: ShapeTrace, placement: PlacementCard) -> Iterator[Evidence]:
    """Numbers of 64 bits meet weights of 32 bits.

    numpy makes float64 of everything, torch's layers have float32 weights, and torch mixes the two in no matrix product. The inputs are
    to be cast where they become tensors; what `forward` makes with numpy, there.

    Shows as: "mat1 and mat2 must have the same dtype, but got Double and Float"; "Input type (double) and bias type (float)".
    Proven by: the kinds of numbers that meet where it breaks; with the one cast to the other, a copy runs.
    Not this when: model and data are both float64, which is slow and right.
    Fails: a sum or a product of the two kinds, number by number, gives float64 without a word; told where it meets a layer.
    See: torch.from_numpy; FSDL, "get your model to run", casting: numpy arrays are float64.
    """
    failure = trace.failure
    if failure is None or failure.phase != "forward" or failure.operation in LOSSES:
        return
    if not any(word in failure.message for word in ("Double", "double", "float64")):
        return
    met = Fact("kinds of numbers that meet", " and ".join(dict.fromkeys(form.dtype for form in failure.inputs)), "one kind")
    facts = Fact("weights of the model", placement.dtype, "the kind of the inputs"), met
    for number, (fix, cure) in enumerate(_ways(trace, failure, placement)):
        yield Evidence(Confidence.HINT if number else Confidence.LIKELY, facts, where(failure.module, failure.line), fix, cure)


def _ways(trace: ShapeTrace, failure: Failure, placement: PlacementCard) -> Iterator[tuple[Fix, Callable[[Subject], Subject]]]:
    """The changes that may help, the most believable first."""
    double = [held.path for held in placement.kept if held.dtype == "float64"]
    to_single = to_kind(_DOUBLE, _SINGLE)
    if placement.dtype == "float64":
        yield Fix("Make the model float32 again.", f"{trace.name} = {trace.name}.float()", "a model of float32"), in_model(_SINGLE)
        yield Fix("Or cast the inputs.", "x = x.double()", "inputs of float64"), in_batch(to_kind(_SINGLE, _DOUBLE))
    elif any(form.dtype == "float64" for form in trace.inputs):
        yield Fix("Cast the data to float32 where they become tensors.", "x = x.float()", "data of float32"), in_batch(to_single)
        fix = Fix("Or make the model float64, which is slower.", f"{trace.name} = {trace.name}.double()", "a model of float64")
        yield fix, in_model(_DOUBLE)
    elif double:
        code = "\n".join(f"{trace.name}.{path} = {trace.name}.{path}.float()   # best where it is built" for path in double)
        yield Fix("Keep it as float32.", code, "float32 kept"), kept_in(double, to_single)
    else:
        fix = Fix("Cast what is made within `forward`.", "x = x.float()   # of what numpy made", "float32 made in `forward`")
        yield fix, on_the_way(failure.operation, failure.module, to_single)


def _program(kind: torch.dtype) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), classes()
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points.to(kind), labels))


@float64_input.bad
def points_from_numpy() -> Subject:
    return _program(_DOUBLE)


@float64_input.good
def points_cast() -> Subject:
    return _program(_SINGLE)
