from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import DeviceMemory, in_words
from ...engine.subject import Subject
from ...observations.memory_plan import MemoryPlan


@check(severity=Severity.WARNING)
def other_process_on_gpu(plan: MemoryPlan) -> Iterator[Evidence]:
    """The program would fit on the device, and other processes hold the memory that it needs.

    An earlier kernel that still runs keeps its memory until it is shut down; so do other people's programs.

    Shows as: an out-of-memory error for a batch that fitted yesterday.
    Proven by: the device's own numbers: what is neither free nor held by this process.
    Not this when: the program would not fit on an empty device either.
    Fails: the numbers are those of the moment. They come from `torch.cuda.mem_get_info`, which was not tried on a device here.
    See: torch.cuda.mem_get_info; FSDL, "out of memory": other processes running on your GPU.
    """
    memory = plan.memory
    if memory is None or memory.given or not plan.limit < plan.peak <= memory.total:
        return
    if memory.others >= plan.peak - plan.limit and memory.others > 0.1 * memory.total:
        yield Evidence(
            Confidence.PROVEN,
            facts=(
                Fact("held by other processes", in_words(memory.others), "next to nothing"),
                Fact("free, or held by this process", in_words(memory.free + memory.reserved), f"at least {in_words(plan.peak)}"),
                Fact("all that the device has", in_words(memory.total)),
            ),
            fix=Fix("See who it is, and shut down kernels that are no longer used.", "!nvidia-smi"),
            always=True,
            refuted_by="The same numbers after the others have ended.",
        )


def _program(free: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 300), nn.ReLU(), nn.Linear(300, 10))
    batch = torch.randn(64, 20), torch.randint(0, 10, (64,))
    memory = DeviceMemory(total=4e6, free=free)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), batch, memory=memory)


@other_process_on_gpu.bad
def nearly_all_is_taken() -> Subject:
    return _program(free=1e5)


@other_process_on_gpu.good
def room_enough() -> Subject:
    return _program(free=2e6)
