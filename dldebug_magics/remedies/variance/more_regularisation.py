"""More regularisation: dropout and weight decay."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ...cures import more_dropout, weight_decay
from ...engine.default_optimizer import with_optimizer
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.dropout_calls import drops
from ..dropout import dropout_lines
from ..fitting import fitting

_RISK = "more bias: look at train afterwards"


@remedy(place=4)
def more_regularisation(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Regularise more: dropout, weight decay.

    Dropout keeps units from relying on one another, weight decay keeps weights small: both make it harder to learn samples by heart.

    Not this when: train's error is far from the irreducible one; then it makes things worse.
    Costs: a little bias, and more passes until it has learned.
    See: FSDL, "addressing over-fitting (reducing variance)", D; Srivastava et al. 2014; Loshchilov & Hutter 2019, "Decoupled weight decay
    regularization".
    """
    dropout = _dropout(subject)
    yield from fitting(subject, *([dropout] if dropout else []), *([change] for change in _decays(subject)), why="no copy ran with it")


def _dropout(subject: Subject) -> list[Change]:
    model = subject.name("model")
    if drops(subject):
        code = dropout_lines(subject, "module.p += 0.3 * (1 - module.p)", "p + 0.3 * (1 - p) for p")
        return [Change("dropout of 0.3 more", code, before=more_dropout.raised(0.3), risk=_RISK)]
    names = more_dropout.places(subject)
    code = f"# {model}: nn.Dropout(0.3) in front of {', '.join(f'`{name}`' for name in names)}"
    return [Change("dropout of 0.3", code, before=more_dropout.in_front_of(names, 0.3), risk=_RISK)] if names else []


def _decays(subject: Subject) -> Iterator[Change]:
    optimizer, now = with_optimizer(subject).optimizer, weight_decay.strongest(subject)
    if not any("weight_decay" in group for group in optimizer.param_groups):
        return
    beside = type(optimizer) in weight_decay.BESIDE
    usual = (0.1, 1.0) if beside else (5e-4, 5e-3)  # a step of Adam's at 1e-3 takes that times 1e-3 off: less shows in no pilot
    for strength in (now * 10,) if now >= usual[0] else usual:
        code = f'for group in {subject.name("optimizer")}.param_groups:\n    group["weight_decay"] = {strength:g}'
        if type(optimizer) is torch.optim.Adam:
            rate = float(optimizer.param_groups[0]["lr"])
            made = f"torch.optim.AdamW({subject.name('model')}.parameters(), lr={rate:g}, weight_decay={strength:g})"
            code = f"{subject.name('optimizer')} = {made}"
        yield Change(f"weight decay of {strength:g}", code, before=weight_decay.of(strength), risk=_RISK)
