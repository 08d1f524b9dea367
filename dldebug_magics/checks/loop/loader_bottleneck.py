from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from torch.nn import functional
from torch.utils.data import DataLoader, default_collate

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.data import Wait
from ...instruments.watch.loader_facts import LoaderFacts
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, beginning
from ..small_loops import task

_SECONDS, _OF_A_BATCH, _BATCHES, _SHARE = 0.25, 0.005, 10, 0.5


@check(severity=Severity.NOTE)
def loader_bottleneck(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loop waits for its data most of the time.

    Samples are read in the process that trains, or by too few workers; or workers are started anew for each epoch.

    Shows as: a processor or accelerator that idles; epochs that take as long with a smaller model.
    Proven by: the seconds that the loop waited for this loader, of all its seconds.
    Not this when: the whole took less than a moment; batches come within milliseconds; workers start once.
    Fails: an accelerator that is not waited for computes meanwhile, and the data may come as fast as it can take them.
    See: torch.utils.data, "multi-process data loading", "memory pinning"; PyTorch performance tuning guide.
    """
    for number, (player, wait) in enumerate(zip(loop.loaders, loop.data.waits, strict=False)):
        much = wait.seconds > max(_SECONDS, _SHARE * loop.seconds) and wait.seconds > _OF_A_BATCH * wait.batches
        fix = _fix(player.facts, wait, loop.begun[number], player.name or "loader")
        if much and wait.batches >= _BATCHES and loop.fed[number] > 1 and fix is not None:
            facts = (
                Fact(f"seconds waited for {player.word}", f"{wait.seconds:.2g} of {loop.seconds:.2g}", "few"),
                Fact("of these, until the first batch of an epoch came", f"{wait.first:.2g}, with {player.facts.workers} workers", ""),
            )
            yield Evidence(Confidence.PROVEN, facts, at(beginning(loop, number)), fix)


def _fix(loader: LoaderFacts, wait: Wait, epochs: int, name: str) -> Fix | None:
    """What would help; None where the workers only had to start, once."""
    if loader.workers and 2 * wait.first > wait.seconds:
        again = epochs > 1 and not loader.keeps_workers
        return Fix("Keep the workers from epoch to epoch.", f"{name} = DataLoader(..., persistent_workers=True)") if again else None
    if loader.workers:
        more = f"{name} = DataLoader(..., num_workers={2 * loader.workers}, pin_memory=True)"
        return Fix("Use more workers, or decode, resize and tokenise once for all epochs.", more)
    return Fix("Let workers read ahead.", f"{name} = DataLoader(..., num_workers=4, persistent_workers=True, pin_memory=True)")


def _program(seconds: float) -> Callable[[], None]:
    net, optimizer, quick, _ = task()

    def read(rows: list) -> list:
        time.sleep(seconds)
        return default_collate(rows)

    batches = DataLoader(quick.dataset, batch_size=8, shuffle=True, collate_fn=read)

    def train() -> None:
        for _ in range(2):
            for x, y in batches:
                optimizer.zero_grad()
                functional.cross_entropy(net(x), y).backward()
                optimizer.step()

    return train


@loader_bottleneck.bad
def slowly_read() -> Callable[[], None]:
    return _program(0.014)


@loader_bottleneck.good
def read_in_no_time() -> Callable[[], None]:
    return _program(0.0)
