"""What lies on another device than the model, and how it is brought there, the most believable first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ...cures.devices import batch_on, kept_on, listed_on, loss_on, made_on, model_on
from ...engine.evidence import Fact, Fix
from ...engine.subject import Subject
from ..cards.placement import PlacementCard

if TYPE_CHECKING:
    from . import ShapeTrace

Way = tuple[Fact, Fix, Callable[[Subject], Subject]]


def ways(trace: ShapeTrace, placement: PlacementCard) -> Iterator[Way]:
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
    yield from _unmoved(trace, placement)


def _unmoved(trace: ShapeTrace, placement: PlacementCard) -> Iterator[Way]:
    """What `to` does not see: layers in plain lists, and what `forward` makes."""
    device, model = placement.device, trace.name
    listed = [held.path for held in placement.in_lists if held.device != device]
    if listed:
        code = "\n".join(f"self.{path.rpartition('.')[2]} = nn.ModuleList(...)   # {model}.{path}" for path in listed)
        fix = Fix(
            "Keep the layers in a ModuleList, so that they move with the model.", code, f"{', '.join(listed[:3])} registered and moved"
        )
        yield Fact(f"device of the layers in `{model}.{listed[0]}`", placement.in_lists[0].device, device), fix, listed_on(listed, device)
    made = next((row for row in trace.rows if not row.is_module and any(form.device != device for form in row.outputs)), None)
    if made is not None:
        fix = Fix("Make it where the input is.", f"torch.{made.kind}(..., device=x.device)   # {made.line.place}", "new tensors made there")
        yield Fact(f"device of what {made.kind} makes", made.outputs[0].device, device), fix, made_on(device)
