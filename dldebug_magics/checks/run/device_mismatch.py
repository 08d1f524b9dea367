from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.devices import batch_on
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.placement import PlacementCard
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.elsewhere import ways


@check(severity=Severity.ERROR)
def device_mismatch(trace: ShapeTrace, placement: PlacementCard) -> Iterator[Evidence]:
    """Tensors of two devices meet: what stays behind when the model is moved, or a batch that nobody moved.

    `model.to(device)` moves parameters and buffers, and nothing else: no plain attribute, no batch, nothing that `forward` or a loss makes.

    Shows as: "Expected all tensors to be on the same device"; "Input and hidden tensors are not at the same device".
    Proven by: the devices of all that is kept and given; with the one that is elsewhere moved, a copy runs.
    Not this when: the loop moves each batch itself: that the loader's lie elsewhere is a note, for here they were moved to be traced.
    Fails: what the loss keeps, if it is a function.
    See: torch.nn.Module.to; torch.nn.Module.register_buffer.
    """
    failure, device = trace.failure, placement.device
    if failure is not None and "device" in failure.message and "assert" not in failure.message:
        for number, (fact, fix, cure) in enumerate(ways(trace, placement)):
            sure = Confidence.HINT if number else Confidence.LIKELY
            yield Evidence(sure, (fact,), where(failure.module, failure.line), fix, cure)
    elif failure is None and set(placement.data) - {device}:
        fact = Fact("device of the data", ", ".join(placement.data), f"{device}, the model's; here they were moved to be traced")
        fix = Fix("Move each batch in the loop.", f'batch = batch.to("{device}")', "the batch moved")
        yield Evidence(Confidence.LIKELY, (fact,), f"`{placement.names[1]}`", fix, batch_on(device), always=True, severity=Severity.NOTE)


def _program(moved: bool) -> Subject:
    torch.manual_seed(0)
    net, loss = nn.Linear(20, 10).to("meta"), nn.CrossEntropyLoss(weight=torch.ones(10, device="meta" if moved else "cpu"))
    batch = torch.randn(32, 20, device="meta"), torch.zeros(32, dtype=torch.long, device="meta")
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), batch)


@device_mismatch.bad
def weights_of_the_classes_left_behind() -> Subject:
    return _program(moved=False)


@device_mismatch.good
def weights_of_the_classes_moved() -> Subject:
    return _program(moved=True)
