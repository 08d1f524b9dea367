from __future__ import annotations

from collections.abc import Iterator

import numpy
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.data_audit import DataAudit
from ...observations.data_audit.workers import Copied
from ..small_data import groups


@check(severity=Severity.WARNING)
def worker_seed_duplication(audit: DataAudit) -> Iterator[Evidence]:
    """All workers of the loader draw the same random numbers.

    The dataset keeps a random generator for itself. Each worker gets a copy of it as it is, and gets it again at every epoch: augmentation
    is the same in each worker, and the same tomorrow as today.

    Shows as: augmentation that helps less than it should; nothing else.
    Proven by: two workers of this loader, which gave the same random sample, though each draws it anew when asked again.
    Not this when: `numpy.random`, `random` and torch's own functions are used: torch seeds them in each worker; `worker_init_fn` seeds it.
    Fails: one sample, number 0, is asked for; a dataset that leaves that one as it is passes.
    See: torch.utils.data, "randomness in multi-process data loading"; tanelp.github.io 2021, "Using PyTorch + NumPy?".
    """
    if audit.copied is not None and audit.copied.alike:
        yield _evidence(audit.copied)


def _evidence(found: Copied) -> Evidence:
    name = f"self.{found.attribute}" if found.attribute else "the generator"
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("generator kept by the dataset", f"{found.kind} ({name})", "none, or one that each worker seeds"),
            Fact(f"sample 0, from two of {found.workers} workers", "the same", "two draws"),
            Fact("sample 0, from one worker twice", "two draws", "two draws"),
        ),
        where=name,
        fix=Fix(
            "Draw from torch's global generator in the dataset, or seed the generator in each worker.",
            "torch.rand(1)   # instead of a generator of the dataset's own",
        ),
        always=True,
        refuted_by="Two workers that return different draws of the same sample.",
    )


class _Noisy(Dataset):
    def __init__(self, generator: numpy.random.Generator | None):
        self.points, self.labels = groups(64)
        self.generator = generator

    def __len__(self) -> int:
        return 64

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        noise = self.generator.normal() if self.generator is not None else torch.randn(())
        return self.points[row] + 0.1 * noise, self.labels[row]


def _program(generator: numpy.random.Generator | None) -> Subject:
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loader = DataLoader(_Noisy(generator), batch_size=16, num_workers=2, shuffle=True)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@worker_seed_duplication.bad
def generator_of_its_own() -> Subject:
    return _program(numpy.random.default_rng(0))


@worker_seed_duplication.good
def drawn_from_torch() -> Subject:
    return _program(None)
