from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, beginning
from ...observations.training_loop.workers import alike, repeated
from ..small_loops import task


@check(severity=Severity.WARNING)
def worker_seed_duplication(loop: TrainingLoop) -> Iterator[Evidence]:
    """The workers of the loader draw the same random numbers.

    A random generator that is kept, by the dataset or beside it, is copied into each worker as it stands, and again at every epoch; or
    `worker_init_fn` gives all workers one seed. Augmentation is then the same in each worker, and the same tomorrow as today.

    Shows as: augmentation that helps less than it should; nothing else.
    Proven by: batches of different samples that are the same batch in each worker; else likely, by the code that reads a sample.
    Not this when: `numpy.random`, `random` and torch's own functions are used: torch seeds them in each worker; a sample seeds for itself.
    Fails: generators within libraries, and in objects that the dataset reaches by other methods than a call, are not seen.
    See: torch.utils.data, "randomness in multi-process data loading"; tanelp.github.io 2021, "Using PyTorch + NumPy?".
    """
    for number, player in enumerate(loop.loaders):
        source, rounds, workers = player.facts.random, alike(loop, number), player.facts.workers
        same, anew = workers > 1, repeated(loop, number)
        if source is None or loop.fed[number] < 2 or not (same or anew):
            continue
        facts = [
            Fact("what the workers inherit", f"{source.kind} (`{source.name}`)" if source.name else f"the seed of `{source.seeded_by}`")
        ]
        facts += [Fact("rounds in which each worker gave the same batch", f"{rounds} of {rounds}", "0")] if rounds else []
        facts += [Fact("its state at the beginning of each epoch", "the same", "another")] if anew and source.name else []
        code = "torch.rand(1)   # instead of a generator of one's own" if source.name else "numpy.random.seed(torch.initial_seed() % 2**32)"
        fix = Fix("Draw from torch's global generator where a sample is made, or let torch's seed of the worker seed the generator.", code)
        sure = Confidence.PROVEN if rounds else Confidence.LIKELY
        yield Evidence(sure, tuple(facts), at(beginning(loop, number)), fix)


class _Noisy(Dataset):
    def __init__(self, points: Dataset, generator: numpy.random.Generator | None):
        self.points, self.generator = points, generator

    def __len__(self) -> int:
        return 48

    def __getitem__(self, row: int) -> tuple:
        x, y = self.points[row]
        return x + 0.1 * (torch.randn(()) if self.generator is None else self.generator.normal()), y


def _program(generator: numpy.random.Generator | None) -> Callable[[], None]:
    net, optimizer, plain, _ = task()
    batches = DataLoader(_Noisy(plain.dataset, generator), batch_size=16, num_workers=2)

    def train() -> None:
        for _ in range(2):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y.long()).backward()
                optimizer.step()

    return train


@worker_seed_duplication.bad
def generator_of_its_own() -> Callable[[], None]:
    return _program(numpy.random.default_rng(0))


@worker_seed_duplication.good
def drawn_from_torch() -> Callable[[], None]:
    return _program(None)
