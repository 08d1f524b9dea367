from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import in_words, limited
from ...engine.subject import Subject
from ...observations.cards.left_alive import LeftAlive
from ...observations.memory_plan import MemoryPlan


@check(severity=Severity.WARNING)
def multiple_models_alive(left: LeftAlive, plan: MemoryPlan) -> Iterator[Evidence]:
    """Models of earlier runs of a cell are still in memory: no name leads to them, and the notebook holds them all the same.

    A model that is the last line of a cell stays in `Out` and in `_`; one that crashed stays in the last traceback. Each new run of the
    cell leaves another one.

    Shows as: memory that grows each time a cell is run again, until it is out.
    Proven by: the models that only `Out`, `_` or the last traceback hold, and their bytes.
    Not this when: a name of yours leads to the model (an ensemble, an averaged copy), or it shares weights with one that has a name.
    Fails: a model that only a closure or a library's cache holds is not seen; without a limit, or a device that has one, it is a note.
    See: FSDL, "out of memory": duplicating operations by creating several models in one session; IPython, output caching.
    """
    if not left.models:
        return
    size, named = sum(model.size for model in left.models), ", ".join(f"{m.kind} ({' and '.join(m.holders)})" for m in left.models[:5])
    traced = any("traceback" in holder for model in left.models for holder in model.holders)
    yield Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("models without a name", f"{len(left.models)}: {named}", "0"),
            Fact("their parameters, gradients and buffers", in_words(size), "0 bytes"),
        ),
        fix=Fix(
            "Let them go; end the cell that builds the model with a `;`, or with another line.",
            "%reset -f out" if not traced else "%reset -f out\nimport sys; sys.last_traceback = sys.last_value = sys.last_exc = None",
        ),
        always=True,
        severity=Severity.WARNING if plan.matters(size) else Severity.NOTE,
        refuted_by="A name of yours that leads to them.",
    )


def _net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 4))


def _program(earlier: nn.Module | None) -> Subject:
    net, batch = _net(), (torch.randn(16, 20), torch.randint(0, 4, (16,)))
    named = {"net": net, "averaged": _net(), "Out": {3: earlier, 4: net}, "_": net, "_3": earlier}
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), batch, memory=limited(5e5), scope=named)


@multiple_models_alive.bad
def ran_the_cell_twice() -> Subject:
    return _program(_net())


@multiple_models_alive.good
def ran_it_once() -> Subject:
    return _program(None)
