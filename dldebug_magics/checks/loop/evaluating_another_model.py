from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.totals import Evaluation
from ...observations.training_loop import TrainingLoop, rewritten
from ...observations.training_loop.reading import at, stepping
from ..small_loops import task


@check(severity=Severity.ERROR)
def evaluating_another_model(loop: TrainingLoop) -> Iterator[Evidence]:
    """The model that is evaluated is not the one that is trained.

    A copy made before training, a second instance of the class, or an old variable of the notebook: its weights stay as they are.

    Shows as: a loss that falls, and a validation that gives the same number in each epoch.
    Proven by: the weights of the evaluated model, the same in each evaluation, while a model like it is trained and never evaluated.
    Not this when: the weights follow, as an average or a target network does; the trained model is evaluated, too, next to a reference.
    Fails: evaluation on tensors without a DataLoader is not told from other uses of a second model.
    See: copy.deepcopy; FSDL, "common bugs".
    """
    held_out = [e for e in loop.evaluations if e.passes.loader >= 0 and loop.fed[e.passes.loader] == 0]
    trained = {model for optimizer, model in loop.trained if optimizer in stepping(loop)}
    if any(e.passes.model in trained for e in loop.evaluations if e in held_out or e.passes.loader < 0):
        return
    for number, player in enumerate(loop.models):
        own = [e for e in held_out if e.passes.model == number]
        twins = [loop.models[m] for m in sorted(trained) if _alike(loop, m, number)]
        if not twins or not _stays(own):
            continue
        facts = (
            Fact(f"weights of {player.word} in {len(own)} evaluations", "the same each time", "those of the model that is trained"),
            Fact(f"evaluations of {twins[0].word}, which is trained", "0", "each"),
        )
        edits = rewritten.called(own[-1].passes.line, player.name, twins[0].name)
        fix = Fix("Evaluate the model that the optimizer trains.", f"{twins[0].name or 'model'}(...)", edits=edits)
        yield Evidence(Confidence.PROVEN, facts, at(own[-1].passes.line), fix)


def _alike(loop: TrainingLoop, trained: int, other: int) -> bool:
    one, two = loop.models[trained].facts, loop.models[other].facts
    return trained != other and (one.kind, one.parameters) == (two.kind, two.parameters) and two.trainable > 0


def _stays(own: list[Evaluation]) -> bool:
    """Whether the weights were the same in evaluations that lie steps apart."""
    return len({e.step for e in own}) >= 2 and len({e.passes.state for e in own}) == 1 and own[0].passes.state != 0


def _program(copied: bool) -> Callable[[], None]:
    net, optimizer, batches, held_out = task()
    judged = copy.deepcopy(net) if copied else net

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            with torch.no_grad():
                sum((judged(x).argmax(1) == y).sum() for x, y in held_out)

    return train


@evaluating_another_model.bad
def a_copy() -> Callable[[], None]:
    return _program(copied=True)


@evaluating_another_model.good
def the_one_that_is_trained() -> Callable[[], None]:
    return _program(copied=False)
