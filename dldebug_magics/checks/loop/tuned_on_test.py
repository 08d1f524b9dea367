from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.updates import Saved
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.deciding import Decision, decisions
from ...observations.training_loop.reading import at
from ..small_loops import task

_TEST = re.compile(r"(?:^|[._])test(?:$|[._\d]|ing|loader|dl|set|data)")
_HELD_OUT = re.compile(r"(?:^|[^a-z])(?:test|val|valid|validation|eval|dev)(?![a-z])|(?:test|val)(?:_?loss|_?acc|loader)")


@check(severity=Severity.WARNING)
def tuned_on_test(loop: TrainingLoop) -> Iterator[Evidence]:
    """The test set decides something in training.

    The rate is lowered, or the weights are kept, by what an evaluation on the test set said. Its number is then the best of several tries,
    and no longer says how good the model is on new data.

    Shows as: a test result that new data do not bear out.
    Proven by: nothing; likely where the rate follows the loss on a loader that is called test, a hint where the best weights are kept.
    Not this when: a validation set decides, and the test set is evaluated once at the end, or to be looked at.
    Fails: goes by names, those of the loader and of what the schedule is given; stopping early is not seen.
    See: FSDL, "train, val, test"; Recht et al. 2019, "Do ImageNet classifiers generalize to ImageNet?".
    """
    for decision in decisions(loop):
        tests = [n for n in decision.loaders if _TEST.search(loop.loaders[n].name.lower())]
        if tests and (by := _by(loop, decision, alone=len(tests) == len(decision.loaders))):
            times, test = sum(d.made.line == decision.made.line for d in decisions(loop)), loop.loaders[tests[0]].word
            facts = (Fact(f"{by} right after an evaluation of {test}", f"{times} times", "after one of a validation set"),)
            sure = Confidence.HINT if isinstance(decision.made, Saved) else Confidence.LIKELY
            fix = Fix("Decide by a validation set, and test once, at the end.", "train_set, val_set = random_split(train_set, [0.9, 0.1])")
            return (yield Evidence(sure, facts, at(decision.made.line), fix))


def _by(loop: TrainingLoop, decision: Decision, alone: bool) -> str:
    """What was decided by the test set, in words; empty where that can't be told. `alone`: nothing else was evaluated."""
    if isinstance(decision.made, Saved):
        return "the best weights are kept" if alone and "best" in decision.given else ""
    meant = (_HELD_OUT.search(decision.given) if alone else "test" in decision.given) and "train" not in decision.given
    return "the rate is set" if meant and loop.schedulers[decision.made.scheduler].facts.kind == "ReduceLROnPlateau" else ""


def _program(decides: bool) -> Callable[[], None]:
    net, optimizer, train_loader, test_loader = task()
    schedule, loss_fn = ReduceLROnPlateau(optimizer), torch.nn.CrossEntropyLoss()

    def train() -> None:
        for _ in range(3):
            for x, y in train_loader:
                loss = loss_fn(net(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                test_loss = sum(loss_fn(net(x), y) for x, y in test_loader)
            if decides:
                schedule.step(test_loss)
            else:
                schedule.step(loss.item())

    return train


@tuned_on_test.bad
def rate_by_the_test_loss() -> Callable[[], None]:
    return _program(decides=True)


@tuned_on_test.good
def looked_at() -> Callable[[], None]:
    return _program(decides=False)
