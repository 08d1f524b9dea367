from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.in_place import into_a_copy, kept_as_it_was, not_in_place, outside_of_the_graph
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.in_place_edits import out_of_place
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ...observations.cards.in_place import InPlaceCard
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.failure import Failure
from ..small_data import classes

_LIST = "keep them in a list, and afterwards: x = torch.stack(kept, dim=1)"


@check(severity=Severity.ERROR)
def inplace_autograd_error(trace: ShapeTrace, card: InPlaceCard) -> Iterator[Evidence]:
    """A tensor that the backward pass needs is written over.

    A product needs its factors for its gradient, a sigmoid its result; `x += 1`, `x[i] = ...`, `relu(x, inplace=True)` change them where
    they are. A weight that requires a gradient may not be written over at all while gradients are recorded.

    Shows as: "modified by an inplace operation"; "a leaf Variable that requires grad is being used in an in-place operation".
    Proven by: the call after which a saved tensor differs; where the old values are kept, or the layer makes a new tensor, a copy runs.
    Not this when: what is written over is needed by no gradient, as behind a convolution and batch norm.
    Fails: weights that the optimizer changes between two backward passes of one step.
    See: torch's notes on autograd, "in-place operations with autograd"; torch.autograd.set_detect_anomaly.
    """
    if card.writes:
        yield _overwritten(card, [module_expression(trace.name, path) for path in card.layers])
    elif trace.failure is not None and trace.failure.operation:
        yield from _refused(trace.failure)


def _overwritten(card: InPlaceCard, layers: list[str]) -> Evidence:
    first, cure = card.writes[0], not_in_place(card.layers) if layers else kept_as_it_was
    fact = Fact("what the backward pass needs, written over by", f"{first.name} ({first.line.place})", "nothing")
    code = "\n".join(f"{layer}.inplace = False   # best where it is built" for layer in layers) or out_of_place(first.line.source) or _LIST
    fix = Fix("Make a new tensor instead of writing over the old one.", code, "nothing written over")
    return Evidence(Confidence.LIKELY, (fact,), where(first.module, first.line), fix, cure)


def _refused(failure: Failure) -> Iterator[Evidence]:
    place, line = where(failure.module, failure.line), failure.line.source or failure.operation
    fact = Fact("a weight, written over by", line, "nothing")
    fix = Fix("Change a weight outside of the graph.", f"with torch.no_grad():\n    {line}", "no gradient recorded there")
    yield Evidence(Confidence.LIKELY, (fact,), place, fix, outside_of_the_graph(failure.operation))
    if out_of_place(line):
        fix = Fix("Or make a new tensor.", out_of_place(line), "a new tensor there")
        yield Evidence(Confidence.HINT, (fact,), place, fix, into_a_copy(failure.operation))


def _program(in_place: bool) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.Sigmoid(), nn.ReLU(inplace=in_place), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@inplace_autograd_error.bad
def writes_over_a_sigmoid() -> Subject:
    return _program(in_place=True)


@inplace_autograd_error.good
def makes_a_new_tensor() -> Subject:
    return _program(in_place=False)


@inplace_autograd_error.good
def writes_over_what_no_gradient_needs() -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(inplace=True), nn.Linear(64, 10))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())
