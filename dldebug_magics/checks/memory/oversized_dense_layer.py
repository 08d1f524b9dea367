from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.less_memory import narrower
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import in_words, limited
from ...engine.subject import Subject
from ...observations.memory_plan import MemoryPlan
from ...observations.memory_plan.remedies import NARROWER
from ...observations.memory_plan.usage import ModuleUse

_MOST = 0.5  # of the peak


@check(severity=Severity.ERROR)
def oversized_dense_layer(plan: MemoryPlan) -> Iterator[Evidence]:
    """One dense layer takes more than half of the memory, and there is not enough.

    A dense layer behind a flattened picture has a weight for every pair of input and unit. Gradient and optimizer state come on top: with
    Adam it counts four times.

    Shows as: an out-of-memory error whatever the batch, and a table of parameters with one large row.
    Proven by: a plan with fewer units in that layer, made in the same way.
    Not this when: the training fits; the layer is the last one, whose units are the classes.
    Fails: the layer that takes its outputs is looked for among the dense ones in the order in which they were registered.
    See: FSDL, "out of memory": too large dense layers.
    """
    if plan.training is None or plan.training.peak.total <= plan.limit:
        return
    wide = next((use for use in plan.training.modules if use.kind == "Linear"), None)
    if wide is None or wide.total <= _MOST * plan.training.peak.total:
        return
    if any(remedy.name == f"{NARROWER} {wide.name}" for remedy in plan.remedies):
        yield _evidence(wide, plan.training.peak.total, plan.limit)


def _evidence(wide: ModuleUse, need: int, limit: float) -> Evidence:
    part = min(0.98 * need, 1.5 * wide.total)  # with what the optimizer's step takes for it
    share = max(0.02, 0.95 * (limit - need + part) / part)
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact(f"`{wide.name}` takes, with gradient and state", in_words(wide.total), f"less than half of {in_words(need)}"),
            Fact("its share of all parameters", f"{wide.share:.0%}"),
            Fact("training needs", in_words(need), f"at most {in_words(limit)}"),
        ),
        where=f"`{wide.name}`",
        fix=Fix(
            f"Give `{wide.name}` fewer units ({share:.0%} of them fit), or pool what goes into it.",
            "nn.AdaptiveAvgPool2d(1)   # before nn.Flatten()",
            f"{share:.0%} of the units in {wide.name}",
        ),
        cure=narrower(wide.name, share),
        refuted_by="A step that ends without an error on this device.",
    )


def _program(units: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(2048, units), nn.ReLU(), nn.Linear(units, 4))
    batch = torch.randn(8, 3, 16, 16), torch.randint(0, 4, (8,))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3), batch, memory=limited(8e6))


@oversized_dense_layer.bad
def a_weight_for_every_pixel_and_unit() -> Subject:
    return _program(512)


@oversized_dense_layer.good
def fewer_units() -> Subject:
    return _program(64)
