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
def dataset_fully_in_memory(data: DataMemory) -> Iterator[Evidence]:
    """The dataset lies in memory as a whole, and takes more than half of it.

    Workers that are started anew get a copy each; forked ones share it until they write.

    Shows as: a machine that swaps, or a process that is killed before the first step.
    Proven by: the bytes of the tensors and arrays that the dataset leads to, and of the memory there is.
    Not this when: the set is small beside the memory, or its arrays are files mapped into it.
    Fails: lists of Python objects are not counted, nor what a dataset loads when it is first read.
    See: FSDL, "out of memory": loading too large a dataset into memory, rather than using an input queue; numpy.memmap.
    """
    if data.held * data.copies > _SHARE * data.host:
        yield Evidence(
            Confidence.PROVEN,
            facts=(
                Fact("the dataset's tensors and arrays", in_words(data.held), f"less than {_SHARE:.0%} of {in_words(data.host)}"),
                Fact("copies of it", str(data.copies), "1"),
            ),
            where="train",
            fix=Fix("Read samples when they are asked for, or map the file.", 'numpy.load("data.npy", mmap_mode="r")'),
            always=True,
            refuted_by="Arrays that are not in memory but mapped from files.",
        )


def _program(samples: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loader = DataLoader(TensorDataset(*groups(samples)), batch_size=32)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), loader, memory=limited(1e6))


@dataset_fully_in_memory.bad
def most_of_the_memory() -> Subject:
    return _program(10_000)


@dataset_fully_in_memory.good
def a_small_part_of_it() -> Subject:
    return _program(500)
