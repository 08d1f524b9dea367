"""An exception of the user's program, read from its traceback alone: in which part of a step it arose, and what had been called with what.

Nothing is run. A `Failure` holds the user's own objects, so it lives no longer than the examination that asked for it.
"""

from __future__ import annotations

import dataclasses

from torch import Tensor, nn

from ..source_lines import NOWHERE, Line, raising
from .called import Called, called, name_of
from .compiled import plain, unseen_in
from .losses import loss_call
from .marks import Mark, Phase, marks, tensor_of
from .origin import chain, is_torchs

__all__ = ["Called", "Failure", "Phase", "failure_of"]


@dataclasses.dataclass(frozen=True)
class Failure:
    """What a traceback tells.

    error: the one that arose first, in a chain. call: the outermost model, and what it was given. inside: the path of the innermost
    module within it, as in `named_modules`; `kind` is its class. loss: the loss, and what it was given. tensor: what a backward pass
    began at, and its name. line: the user's innermost. unseen: what the traceback can't show.
    """

    error: BaseException
    phase: Phase = Phase.OTHER
    by_torch: bool = False
    call: Called | None = None
    inside: str = ""
    kind: str = ""
    loss: Called | None = None
    tensor: Tensor | None = None
    name: str = ""
    line: Line = NOWHERE
    unseen: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether it arose in a forward pass, a loss, a backward pass or an optimizer's step."""
        return self.phase not in (Phase.OTHER, Phase.DATA)


def failure_of(error: BaseException) -> Failure:
    """The exception as seen post mortem; of several in a chain, the one that arose in a part of a training step, else the last."""
    for link in chain(error):
        found = marks(link)
        phase = _phase(found)
        if phase is not Phase.OTHER:
            return _read(link, phase, found)
    return Failure(error, line=raising(error))


def _phase(found: list[Mark]) -> Phase:
    """Data loading wherever it is met; what runs in a step's closure; else the outermost, save for a loss within a model's forward."""
    phases = [mark.phase for mark in found]
    if Phase.DATA in phases:
        return Phase.DATA
    within = [phase for phase in phases if phase is not Phase.STEP]
    if not within:
        return Phase.STEP if phases else Phase.OTHER
    return Phase.LOSS if within[0] is Phase.FORWARD and Phase.LOSS in within else within[0]


def _read(error: BaseException, phase: Phase, found: list[Mark]) -> Failure:
    seen = Failure(error, phase, is_torchs(error), line=raising(error))
    if phase is Phase.BACKWARD:
        began = next(mark for mark in found if mark.phase is phase)
        tensor = tensor_of(began.owner)
        return dataclasses.replace(seen, tensor=tensor, name=name_of(tensor, began))
    if phase not in (Phase.FORWARD, Phase.LOSS):
        return seen
    spoken = [mark for mark in found if mark.phase in (Phase.FORWARD, Phase.LOSS)]
    before = next((place for place, mark in enumerate(spoken) if mark.phase is Phase.LOSS), len(spoken))
    calls, losses = _known(spoken[:before]), [loss_call(mark) for mark in spoken[before : before + 1]]
    path, kind = _inside([mark.owner for mark in calls or spoken if isinstance(mark.owner, nn.Module)])
    unseen = unseen_in(error, [mark.owner for mark in calls])
    call = called(calls[0].owner, calls[0]) if calls else None
    call = call and dataclasses.replace(call, what=plain(call.what))
    return dataclasses.replace(seen, call=call, inside=path, kind=kind, loss=next(iter(losses), None), unseen=unseen)


def _known(calls: list[Mark]) -> list[Mark]:
    """The calls from the outermost one on whose arguments are still what they were; all, where there is none."""
    start = next((place for place, mark in enumerate(calls) if called(mark.owner, mark).exact), 0)
    return calls[start:]


def _inside(owners: list[nn.Module]) -> tuple[str, str]:
    """The path of the innermost module that is part of the outermost one, and the class of the innermost of all."""
    if not owners:
        return "", ""
    names: dict[int, str] = {}
    for name, module in plain(owners[0]).named_modules(remove_duplicate=False):
        names.setdefault(id(module), name)
    known = [names[id(owner)] for owner in owners if id(owner) in names]
    return known[-1] if known else "", type(plain(owners[-1])).__name__
