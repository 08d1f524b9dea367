"""The attainable floor of a loss, found by experiment: the model's outputs are set free and the loss is minimised over them.

Free outputs, tied where two samples have the same input, reach the entropy of soft or conflicting targets, label smoothing's own floor, or
0, in whatever words the loss is written; one output for all samples reaches the chance loss (the entropy of the labels, the variance of
the targets). A loss without a floor runs away; if the negated loss has one, its sign is flipped.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from ...engine.ambient import seeded
from ...engine.call import Passed, loss_from, loss_of
from ...engine.errors import UserMistake
from ...engine.nested import is_dataclass, mapped, tensors
from ...engine.subject import Subject
from ...instruments.broadcasts import Broadcasts
from ...instruments.calls import LOSSES, Call, Calls, closing
from .curve import Floor
from .lowest import Judge, lowest
from .redrawn import redrawn
from .same_inputs import grouped, same_inputs

_OF_PROBABILITIES = ("nll_loss", "kl_div", "binary_cross_entropy", "ctc_loss")
_NORMALISING = frozenset(("softmax", "log_softmax", "sigmoid", "sigmoid_", "logsigmoid"))


def attainable(subject: Subject) -> Floor:
    """The floor and the chance loss of the frozen batch; unknown where the outputs can't be set free."""
    seeded(subject.seed)
    try:
        with torch.enable_grad(), Calls(LOSSES | _NORMALISING, subject.model) as calls, Broadcasts() as broadcasts:
            passed = loss_of(subject)
        found = None if redrawn(subject) else _judge(subject, passed, calls)
    except UserMistake:
        raise
    except Exception:  # the user's program crashes; the run that follows observes it and writes it down
        return Floor()
    if found is None:
        return Floor()
    output, judge, named = found
    groups = same_inputs(subject, output.shape[0] if output.ndim else 0)
    last = closing(output, calls.named_in(_NORMALISING))
    inside = None if last is None else _before(last, output, judge)
    if inside is not None and named in _OF_PROBABILITIES:
        return _searched(*inside, groups, bool(broadcasts.seen))
    floor = _searched(output, judge, groups, bool(broadcasts.seen))
    if inside is not None and not named and (floor.value is None or floor.value < 0):
        floor = _searched(*inside, groups, bool(broadcasts.seen))
    return dataclasses.replace(floor, mirrored=False) if _weighted(passed) else floor


def _searched(output: Tensor, judge: Judge, groups: Tensor | None, broadcast: bool) -> Floor:
    """The lowest loss over free outputs, tied by group, and over one output for all samples."""
    output = output.detach()
    mean = output.masked_fill(~output.isfinite(), 0.0).mean(0, keepdim=True) if output.ndim else output
    chance = lowest(lambda free: judge(free.expand_as(output)), mean) if output.ndim else None
    if broadcast:
        return Floor(0.0, chance)
    free = output if groups is None else grouped(output, groups)
    spread = (lambda t: t) if groups is None else (lambda t: t[groups])
    value = lowest(lambda t: judge(spread(t)), free)
    if value is not None and math.isinf(value):
        mirrored = lowest(lambda t: -judge(spread(t)), free)
        return Floor(-math.inf, chance, mirrored is not None and math.isfinite(mirrored))
    return Floor(value if value is None or chance is None else min(value, chance), chance)


def _before(last: Call, output: Tensor, judge: Judge) -> tuple[Tensor, Judge] | None:
    """Probabilities can't take any value: what is free is the input of the activation that made them."""
    given, made = last.argument(0, "input"), last.result
    if not isinstance(given, Tensor) or given.shape != made.shape:
        return None
    layout = output.shape, output.stride(), output.storage_offset() - made.storage_offset()
    reshaped = made.is_contiguous() and output.untyped_storage().data_ptr() == made.untyped_storage().data_ptr()

    def judged(free: Tensor) -> Tensor:
        values = last.function(free, *last.arguments[1:], **last.keywords)
        return judge(values.contiguous().as_strided(*layout) if reshaped else values)

    return given, judged


def _weighted(passed: Passed) -> bool:
    """Whether the loss takes real weights beside the targets: advantages may have any sign, and so may the loss."""
    return len(passed.targets) > 1 and any(t.is_floating_point() for t in tensors(passed.targets[1:]))


def _judge(subject: Subject, passed: Passed, calls: Calls) -> tuple[Tensor, Judge, str] | None:
    """The tensor to set free, the loss as a function of it, and torch's name for that loss where it is all of it.

    Where several outputs decide the loss (a reconstruction and its code) they can't be free of each other: the floor is not known.
    """
    losses = calls.named_in(LOSSES)
    if len(losses) == 1 and _same(losses[0].result, passed.loss):
        call = losses[0]
        rest, keywords = call.arguments[1:], {k: v for k, v in call.keywords.items() if k != "input"}
        return call.argument(0, "input"), lambda free: call.function(free, *rest, **keywords), call.name
    held = [t for t in tensors(passed.output) if t.is_floating_point() and t.requires_grad]
    if subject.step is not None or subject.loss_fn is None or _opaque(passed.output) or not passed.loss.requires_grad:
        return None
    for t in held:
        t.retain_grad()
    passed.loss.backward(retain_graph=True)
    decisive = [t for t in held if t.grad is not None]
    if len(decisive) != 1 or not decisive[0].ndim:
        return None
    chosen = decisive[0]
    return chosen, lambda free: loss_from(subject, mapped(passed.output, lambda t: free if t is chosen else t.detach()), passed.targets), ""


def _same(value: Any, loss: Tensor) -> bool:
    return isinstance(value, Tensor) and value.numel() == 1 and math.isclose(float(value.detach()), float(loss.detach()), rel_tol=1e-5)


def _opaque(output: Any) -> bool:
    """Whether an output holds objects that carry tensors of their own (a distribution): they can't be set free."""
    if isinstance(output, (Tensor, str, int, float, bool, type(None))):
        return False
    if isinstance(output, dict):
        return any(_opaque(value) for value in output.values())
    if isinstance(output, (list, tuple)):
        return any(_opaque(value) for value in output)
    return not is_dataclass(output)
