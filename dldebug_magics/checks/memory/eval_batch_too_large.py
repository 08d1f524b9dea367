from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.batch_size import of_in_evaluation
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import in_words, limited
from ...engine.subject import Subject
from ...observations.memory_plan import MemoryPlan


@check(severity=Severity.ERROR, hyperparameter=True)
def eval_batch_too_large(plan: MemoryPlan) -> Iterator[Evidence]:
    """Training fits, and a batch of the validation data does not.

    Validation loaders are often given larger batches, since no gradients are kept. The optimizer's state is in memory all the same.

    Shows as: an out-of-memory error at the end of the first epoch.
    Proven by: a plan of evaluation with the largest batch that fits, made in the same way.
    Not this when: training does not fit either; then that comes first.
    Fails: memory that the training loop still holds beside its last batch, output and loss is not known here.
    See: FSDL, "out of memory": batch size too large, often at evaluation.
    """
    if plan.training is None or plan.evaluation is None or plan.training.peak.total > plan.limit:
        return
    samples, largest = plan.in_evaluation, plan.largest_in_evaluation
    if samples and largest and largest < samples:
        yield _evidence(plan, samples, largest)


def _evidence(plan: MemoryPlan, samples: int, largest: int) -> Evidence:
    need, before = (usage.peak.total if usage is not None else 0 for usage in (plan.evaluation, plan.training))
    return Evidence(
        Confidence.LIKELY,
        facts=(
            Fact(f"evaluation of {samples} samples needs", in_words(need), f"at most {in_words(plan.limit)}"),
            Fact("training needs", in_words(before)),
            Fact("the largest batch that fits", str(largest), f"at least {samples}"),
        ),
        where="val",
        fix=Fix(
            f"Evaluate at most {largest} samples at a time.",
            f"DataLoader(val_dataset, batch_size={largest})",
            f"validation batches of {largest}",
        ),
        cure=of_in_evaluation(largest),
        refuted_by="An evaluation of this batch that ends without an error on this device.",
    )


def _program(samples: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 300), nn.ReLU(), nn.Linear(300, 10))
    train, val = ((torch.randn(count, 20), torch.randint(0, 10, (count,))) for count in (64, samples))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), train, val=val, memory=limited(1e6))


@eval_batch_too_large.bad
def the_whole_validation_set_at_once() -> Subject:
    return _program(2000)


@eval_batch_too_large.good
def as_many_as_fit() -> Subject:
    return _program(100)
