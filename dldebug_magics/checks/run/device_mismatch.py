from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.devices import batch_on, kept_on, loss_on, made_on, model_on
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.placement import PlacementCard
from ...observations.shape_trace import ShapeTrace

Way = tuple[Fact, Fix, Callable[[Subject], Subject]]


@check(severity=Severity.ERROR)
def device_mismatch(trace: ShapeTrace, placement: PlacementCard) -> Iterator[Evidence]:
    """Tensors of two devices meet: what stays behind when the model is moved, or a batch that nobody moved.

    `model.to(device)` moves parameters and buffers, and nothing else: no plain attribute, no batch, nothing that `forward` or a loss makes.

    Shows as: "Expected all tensors to be on the same device"; "Input and hidden tensors are not at the same device".
    Proven by: the devices of all that is kept and given; with the one that is elsewhere moved, a copy runs.
    Not this when: the loop moves each batch itself: that the loader's lie elsewhere is a note, for here they were moved to be traced.
    Fails: a layer in a plain list, which `to` does not see; look for params_in_plain_list.
    See: torch.nn.Module.to; torch.nn.Module.register_buffer.
    """
    failure, device = trace.failure, placement.device
    if failure is not None and "device" in failure.message and "assert" not in failure.message:
        for number, (fact, fix, cure) in enumerate(_ways(trace, placement)):
            sure = Confidence.HINT if number else Confidence.LIKELY
            yield Evidence(sure, (fact,), where(failure.module, failure.line), fix, cure)
    elif failure is None and set(placement.data) - {device}:
        fact = Fact("device of the data", ", ".join(placement.data), f"{device}, the model's; here they were moved to be traced")
        fix = Fix("Move each batch in the loop.", f'batch = batch.to("{device}")', "the batch moved")
        yield Evidence(Confidence.LIKELY, (fact,), f"`{placement.names[1]}`", fix, batch_on(device), always=True, severity=Severity.NOTE)


def _ways(trace: ShapeTrace, placement: PlacementCard) -> Iterator[Way]:
    """What is elsewhere, and how it is brought to the model."""
    device, model = placement.device, trace.name
    away = [held for held in placement.kept if held.device != device]
    plain, loss = [held.path for held in away if not held.registered], placement.names[0]
    if any(form.device != device for form in trace.inputs):
        fix = Fix("Move the batch to the model.", f'x, y = x.to("{device}"), y.to("{device}")', "the batch moved")
        yield Fact("device of the batch", trace.inputs[0].device, device), fix, batch_on(device)
    if plain:
        code = "\n".join(f'self.register_buffer("{path.rpartition(".")[2]}", ...)   # {model}.{path}' for path in plain)
        fix = Fix("Register it as a buffer, so that it moves with the model.", code, f"{', '.join(plain[:3])} moved")
        yield Fact(f"device of `{model}.{plain[0]}`, no buffer", away[0].device, device), fix, kept_on(plain, device)
    if len(away) > len(plain):
        fact = Fact(f"device of `{model}.{next(held.path for held in away if held.registered)}`", away[0].device, device)
        yield fact, Fix("Move the whole model.", f'{model}.to("{device}")', "the whole model moved"), model_on(device)
    if any(held.device != device for held in placement.in_loss):
        fix = Fix("Move the loss, too.", f'{loss} = {loss}.to("{device}")', "the loss moved")
        yield Fact(f"device of `{loss}`", placement.in_loss[0].device, device), fix, loss_on(device)
    made = next((row for row in trace.rows if not row.is_module and any(form.device != device for form in row.outputs)), None)
    if made is not None:
        fix = Fix("Make it where the input is.", f"torch.{made.kind}(..., device=x.device)   # {made.line.place}", "new tensors made there")
        yield Fact(f"device of what {made.kind} makes", made.outputs[0].device, device), fix, made_on(device)


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
