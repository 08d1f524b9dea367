from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import DeviceMemory, in_words
from ...engine.subject import Subject
from ...observations.memory_plan import MemoryPlan

_SHARE = 0.2  # of the device


@check(severity=Severity.WARNING)
def fragmentation(plan: MemoryPlan) -> Iterator[Evidence]:
    """The allocator has found no room, though it holds much memory that no tensor uses: it lies in pieces.

    Batches of many different sizes leave gaps that no later tensor fits into.

    Shows as: an out-of-memory error whose message says that much is reserved by PyTorch but unallocated.
    Proven by: nothing that can be run on a copy; the allocator's own numbers speak for it.
    Not this when: the program does not fit anyway, or the allocator never had to try again.
    Fails: the numbers come from `torch.cuda.memory_stats`, which was not tried on a device here.
    See: PyTorch, CUDA semantics, "Optimizing memory usage with PYTORCH_CUDA_ALLOC_CONF".
    """
    memory = plan.memory
    if memory is None or memory.given or not memory.failures or not plan.passed:
        return
    unused = memory.reserved - memory.allocated
    if unused > _SHARE * memory.total and plan.peak > memory.free + memory.allocated:
        yield Evidence(
            Confidence.LIKELY,
            facts=(
                Fact("reserved and not used", in_words(unused), f"less than {_SHARE:.0%} of {in_words(memory.total)}"),
                Fact("times that no room was found", str(memory.failures), "0"),
                Fact("free without it", in_words(memory.free), f"at least {in_words(plan.peak)}"),
            ),
            fix=Fix(
                "Let segments grow, before torch is imported; give the reserved memory back meanwhile.",
                'os.environ["PYTORCH_CUDA_ALLOC_CONF"] = "expandable_segments:True"\ntorch.cuda.empty_cache()',
            ),
            always=True,
            refuted_by="The same error after `torch.cuda.empty_cache()`.",
        )


def _program(failures: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 300), nn.ReLU(), nn.Linear(300, 10))
    batch = torch.randn(64, 20), torch.randint(0, 10, (64,))
    memory = DeviceMemory(total=2e6, free=1e5, allocated=1e5, reserved=1.9e6, failures=failures)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), batch, memory=memory)


@fragmentation.bad
def reserved_in_pieces() -> Subject:
    return _program(failures=3)


@fragmentation.good
def reserved_and_never_short() -> Subject:
    return _program(failures=0)
