from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import in_words, limited
from ...engine.subject import Subject
from ...observations.cards.data_memory import DataMemory
from ..small_data import groups

_SHARE = 0.5  # of the host's memory


@check(severity=Severity.WARNING)
def prefetch_buffer_too_large(data: DataMemory) -> Iterator[Evidence]:
    """The batches that wait for the model take more than half of the memory.

    Every worker of a loader makes `prefetch_factor` batches ahead: workers times batches times bytes, all at once.

    Shows as: memory of the host that fills in the first steps, workers that are killed.
    Proven by: the product of the three.
    Not this when: it is small beside the memory there is.
    Fails: pinned copies and what the workers hold for themselves come on top.
    See: torch.utils.data.DataLoader, `prefetch_factor`; FSDL, "out of memory": too large a buffer.
    """
    if data.waiting <= _SHARE * data.host:
        return
    yield Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("batches that wait", in_words(data.waiting), f"less than {_SHARE:.0%} of {in_words(data.host)}"),
            Fact("workers, batches for each, bytes of a batch", f"{data.workers}, {data.prefetched}, {in_words(data.batch)}"),
        ),
        where="train",
        fix=Fix("Let fewer batches wait: two for each worker are the default.", "DataLoader(dataset, num_workers=2, prefetch_factor=2)"),
        always=True,
        refuted_by="Batches that are smaller than the first one.",
    )


def _program(prefetched: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loader = DataLoader(TensorDataset(*groups(200)), batch_size=100, num_workers=8, prefetch_factor=prefetched)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), loader, memory=limited(5e5))


@prefetch_buffer_too_large.bad
def forty_for_each_worker() -> Subject:
    return _program(40)


@prefetch_buffer_too_large.good
def two_for_each_worker() -> Subject:
    return _program(2)
