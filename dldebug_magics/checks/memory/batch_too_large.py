from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.batch_size import of
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import in_words, limited
from ...engine.subject import Subject
from ...observations.memory_plan import MemoryPlan


@check(severity=Severity.ERROR, hyperparameter=True)
def batch_too_large(plan: MemoryPlan) -> Iterator[Evidence]:
    """A training step of this batch needs more memory than there is.

    What the layers keep for the backward pass grows with the batch, in nearly a straight line; parameters, gradients and the optimizer's
    state do not.

    Shows as: an out-of-memory error in the first forward or backward pass.
    Proven by: a plan of the largest batch that fits, made in the same way.
    Not this when: not even one sample fits; then the model itself is too large.
    Fails: kernels that take memory for themselves are known for torch's own CPU layers; on a GPU leave some percent of room.
    See: FSDL, "out of memory": batch size too large; `%memory_plan` for what checkpointing or half precision would save instead.
    """
    if plan.training is None or not plan.samples or not plan.largest or plan.largest >= plan.samples:
        return
    samples, largest, need = plan.samples, plan.largest, plan.training.peak.total
    yield Evidence(
        Confidence.LIKELY,
        facts=(
            Fact(f"training with {samples} samples needs", in_words(need), f"at most {in_words(plan.limit)}"),
            Fact("the largest batch that fits", str(largest), f"at least {samples}"),
        ),
        fix=Fix(
            f"Take at most {largest} samples at a time; add up the gradients of several batches where you want {samples}.",
            f"DataLoader(dataset, batch_size={largest}, shuffle=True)",
            f"batches of {largest}",
        ),
        cure=of(largest),
        refuted_by="A step with this batch that ends without an error on this device.",
    )


def _program(samples: int, limit: float = 2e6) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 300), nn.ReLU(), nn.Linear(300, 10))
    batch = torch.randn(samples, 20), torch.randint(0, 10, (samples,))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3), batch, memory=limited(limit))


@batch_too_large.bad
def too_many_at_once() -> Subject:
    return _program(2000)


@batch_too_large.good
def as_many_as_fit() -> Subject:
    return _program(200)


@batch_too_large.good
def as_many_where_there_is_room() -> Subject:
    return _program(2000, limit=100e6)
